import { win32 } from "node:path";

import { fault, FaultError } from "../core/fault.ts";
import type { Environment } from "./platform.ts";
import { runTool } from "./run.ts";
import { powershell, systemDir } from "./windows-tools.ts";

/** Runs a tool of the system; its output, or null when it failed. */
type Run = (argv: readonly string[]) => Promise<string | null>;

/** Base64 of UTF-16: what a console prints depends on its code page. */
const READ =
  "$p = (Get-Item 'HKCU:\\Environment').GetValue('Path', '', 'DoNotExpandEnvironmentNames'); " +
  "'[' + [Convert]::ToBase64String([Text.Encoding]::Unicode.GetBytes([string]$p)) + ']'";
/** Removing a variable that is not there tells every window that the environment has changed. */
const TELL = "[Environment]::SetEnvironmentVariable('MCPD_NO_SUCH_VARIABLE', $null, 'User')";

/** PATH of the user as the registry of Windows has it, with its references left as they are. */
export class RegistryPath {
  readonly #environment: Environment;
  readonly #run: Run;

  constructor(environment: Environment, run: Run = runTool) {
    this.#environment = environment;
    this.#run = run;
  }

  async read(): Promise<string> {
    const output = (await this.#run(powershell(READ, systemDir(this.#environment))))?.trim() ?? "";
    const text = /^\[([A-Za-z0-9+/=]*)\]$/.exec(output)?.[1];
    // Never an empty one for one that could not be read: it would be written back.
    if (text === undefined) throw refused("Cannot read your PATH: PowerShell does not tell it");
    return Buffer.from(text, "base64").toString("utf16le");
  }

  /** REG_EXPAND_SZ, or %USERPROFILE% and its like would stop working. */
  async write(value: string): Promise<void> {
    const reg = win32.join(systemDir(this.#environment), "reg.exe");
    const key = ["HKCU\\Environment", "/v", "Path", "/t", "REG_EXPAND_SZ"];
    const written = await this.#run([reg, "add", ...key, "/d", value, "/f"]);
    if (written === null) throw refused("Cannot write your PATH: reg.exe refuses");
    await this.#run(powershell(TELL, systemDir(this.#environment)));
  }
}

function refused(text: string): FaultError {
  return new FaultError(fault("file.failed", text, "HKCU\\Environment"));
}
