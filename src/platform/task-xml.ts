import { type Fault, fault, isFault } from "../core/fault.ts";
import { commandLine } from "./command-line.ts";
import { fillTemplate, type Template, unprintable, xmlText } from "./service-template.ts";
import type { ServiceSpec } from "./service.ts";

export const TASK_TEMPLATE_NAME = "mcpd-task.xml";

/**
 * The task, in the order that the schema wants. The logon trigger names its user: without, it would
 * be anybody's logon, which takes an administrator. The second trigger is a heartbeat, because
 * RestartOnFailure only means a failure to start; while the task runs, a beat does nothing.
 */
export const TASK_TEMPLATE = `<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.3" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>mcpd - MCP servers as one per-user service</Description>
  </RegistrationInfo>
  <Triggers>
    <LogonTrigger>
      <Enabled>true</Enabled>
      <UserId>{{user_id}}</UserId>
    </LogonTrigger>
    <TimeTrigger>
      <Enabled>true</Enabled>
      <StartBoundary>2020-01-01T00:00:00</StartBoundary>
      <Repetition>
        <Interval>PT5M</Interval>
      </Repetition>
    </TimeTrigger>
  </Triggers>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <AllowHardTerminate>true</AllowHardTerminate>
    <StartWhenAvailable>true</StartWhenAvailable>
    <RunOnlyIfNetworkAvailable>false</RunOnlyIfNetworkAvailable>
    <IdleSettings>
      <StopOnIdleEnd>false</StopOnIdleEnd>
      <RestartOnIdle>false</RestartOnIdle>
    </IdleSettings>
    <AllowStartOnDemand>true</AllowStartOnDemand>
    <Enabled>true</Enabled>
    <Hidden>false</Hidden>
    <RunOnlyIfIdle>false</RunOnlyIfIdle>
    <WakeToRun>false</WakeToRun>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <Priority>5</Priority>
    <RestartOnFailure>
      <Interval>PT1M</Interval>
      <Count>255</Count>
    </RestartOnFailure>
  </Settings>
  <Principals>
    <Principal id="Author">
      <UserId>{{user_id}}</UserId>
      <LogonType>InteractiveToken</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Actions Context="Author">
    <Exec>
      <Command>{{program}}</Command>
      <Arguments>{{arguments}}</Arguments>
      <WorkingDirectory>{{working_dir}}</WorkingDirectory>
    </Exec>
  </Actions>
</Task>
`;

/** The bytes of the task's definition: UTF-16LE with a mark and CRLF, all else is refused. */
export function renderTask(
  template: Template,
  spec: ServiceSpec,
  userId: string,
): Uint8Array | Fault {
  const strange = /"/.exec(spec.program)?.[0] ?? unprintable(`${spec.program}${spec.workingDir}`);
  if (strange !== null) {
    const text = `Task Scheduler cannot start ${spec.program}: a path has the character ${strange}`;
    return fault("service.path", text, spec.program);
  }
  const text = fillTemplate(template, {
    user_id: xmlText(userId),
    program: xmlText(`"${spec.program}"`),
    arguments: xmlText(commandLine(spec.arguments)),
    working_dir: xmlText(spec.workingDir),
    path: xmlText(spec.path),
    log_file: xmlText(spec.logFile),
  });
  return isFault(text) ? text : utf16(text);
}

function utf16(text: string): Uint8Array {
  const crlf = text.replaceAll("\r\n", "\n").replaceAll("\n", "\r\n");
  return new Uint8Array(Buffer.from(`\ufeff${crlf}`, "utf16le"));
}
