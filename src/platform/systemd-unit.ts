import { isAbsolute } from "node:path";

import { type Fault, fault, isFault } from "../core/fault.ts";
import { fillTemplate, type Template, unprintable, variablesOf } from "./service-template.ts";
import type { ServiceSpec } from "./service.ts";

export const UNIT_TEMPLATE_NAME = "mcpd.service";

/**
 * The unit. No sandbox: the MCP servers would inherit it, and it breaks some of them; nor
 * StateDirectory= and its kind, which mean different places in different versions of systemd.
 */
export const UNIT_TEMPLATE = `[Unit]
Description=mcpd - MCP servers as one per-user service
# Never give up: the pauses between attempts are the bootstrap's.
StartLimitIntervalSec=0

[Service]
Type={{type}}
NotifyAccess=main
ExecStart={{program}} {{arguments}}
# The dash: it starts all the same where somebody has removed it.
WorkingDirectory=-{{working_dir}}
Environment={{environment}}
UnsetEnvironment=BUN_BE_BUN BUN_OPTIONS
# Exit code 0 means: stay down.
Restart=on-failure
RestartSec=2
WatchdogSec={{watchdog_secs}}
# SIGTERM to the bootstrap, which ends its server in order; what is left is killed.
KillMode=mixed
# One that hangs before it is up: an upgrade to it is to be taken back soon.
TimeoutStartSec=30
TimeoutStopSec=20
UMask=0077

[Install]
WantedBy=default.target
`;

const WATCHDOG_SECS = 60;

/** How systemd learns that it is up: it is told ("notify"), or knows no more than that it runs. */
export type StartType = "notify" | "exec";

/** The text of the unit; the fault names a path that systemd cannot take. */
export function renderUnit(template: Template, spec: ServiceSpec, type: StartType): string | Fault {
  const program = executable(spec.program);
  if (isFault(program)) return program;
  const { workingDir } = spec;
  const variables = variablesOf(spec);
  const texts = [workingDir, ...spec.arguments, ...variables.map(([, value]) => value)];
  const strange = unprintable(texts.join(""));
  if (strange !== null) {
    const text = `Cannot write the unit: a path in it has the character ${strange}`;
    return fault("service.path", text, workingDir);
  }
  if (!isAbsolute(workingDir) || /\\$|^\s|\s$/.test(workingDir)) {
    const text = `Cannot write the unit: systemd cannot work in the directory ${workingDir}`;
    return fault("service.path", text, workingDir);
  }
  return fillTemplate(template, {
    type,
    program,
    arguments: spec.arguments.map((word) => argument(word)).join(" "),
    working_dir: percent(workingDir),
    environment: variables.map(([name, value]) => quoted(percent(`${name}=${value}`))).join(" "),
    path: percent(spec.path),
    watchdog_secs: String(type === "notify" ? WATCHDOG_SECS : 0),
    log_file: percent(spec.logFile),
  });
}

/** In the executable's path systemd takes no escapes, and refuses what would need one. */
function executable(path: string): string | Fault {
  const strange = /["'\\]/.exec(path)?.[0] ?? unprintable(path);
  if (!isAbsolute(path) || strange !== null) {
    const why = strange === null ? "is not absolute" : `has the character ${strange} in it`;
    const text = `systemd cannot start ${path}: the path ${why}`;
    return fault("service.path", text, path);
  }
  return `"${percent(path)}"`;
}

function argument(word: string): string {
  const text = percent(word).replaceAll("$", "$$$$");
  return /^[\w./:=@%+,-]+$/.test(text) ? text : quoted(text);
}

function quoted(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

/** A percent sign begins a specifier. */
function percent(text: string): string {
  return text.replaceAll("%", "%%");
}
