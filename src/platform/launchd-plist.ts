import { isAbsolute } from "node:path";

import { type Fault, fault } from "../core/fault.ts";
import {
  fillTemplate,
  type Template,
  unprintable,
  variablesOf,
  xmlText,
} from "./service-template.ts";
import type { ServiceSpec } from "./service.ts";

export const PLIST_TEMPLATE_NAME = "mcpd.plist";

/**
 * The agent. Interactive, since every other kind is slowed down with all it starts; no shell around
 * the program, or Login Items would show that one.
 */
export const PLIST_TEMPLATE = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>{{label}}</string>
  <key>ProgramArguments</key>
  <array>
    <string>{{program}}</string>
{{arguments}}
  </array>
  <key>RunAtLoad</key>
  <true/>
  <!-- Exit code 0 means: stay down. -->
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>ThrottleInterval</key>
  <integer>10</integer>
  <key>ExitTimeOut</key>
  <integer>20</integer>
  <key>ProcessType</key>
  <string>Interactive</string>
  <key>LimitLoadToSessionType</key>
  <array>
    <string>Aqua</string>
    <string>Background</string>
  </array>
  <!-- 0077: what it writes is its user's alone. -->
  <key>Umask</key>
  <integer>63</integer>
  <key>WorkingDirectory</key>
  <string>{{working_dir}}</string>
  <key>EnvironmentVariables</key>
  <dict>
{{environment}}
  </dict>
  <!-- The default of 256 is too few for many servers and clients. -->
  <key>SoftResourceLimits</key>
  <dict>
    <key>NumberOfFiles</key>
    <integer>8192</integer>
  </dict>
  <key>StandardOutPath</key>
  <string>{{log_file}}</string>
  <key>StandardErrorPath</key>
  <string>{{log_file}}</string>
</dict>
</plist>
`;

/** The text of the property list; the fault names a path that launchd cannot take. */
export function renderPlist(template: Template, spec: ServiceSpec, label: string): string | Fault {
  const variables = variablesOf(spec);
  const values = [spec.program, ...spec.arguments, spec.workingDir, spec.logFile];
  const strange = unprintable([...values, ...variables.flat()].join(""));
  if (strange !== null || !isAbsolute(spec.program)) {
    const why = strange === null ? "is not absolute" : `has the character ${strange} in it`;
    return fault(
      "service.path",
      `launchd cannot start ${spec.program}: a path ${why}`,
      spec.program,
    );
  }
  return fillTemplate(template, {
    label,
    program: xmlText(spec.program),
    arguments: spec.arguments.map((word) => `    <string>${xmlText(word)}</string>`).join("\n"),
    working_dir: xmlText(spec.workingDir),
    environment: variables
      .map(([name, value]) => `    <key>${name}</key>\n    <string>${xmlText(value)}</string>`)
      .join("\n"),
    path: xmlText(spec.path),
    log_file: xmlText(spec.logFile),
  });
}
