import { win32 } from "node:path";

import { commandLine, wordsIn } from "./command-line.ts";
import type { ToolResult, ToolRunner } from "./run.ts";
import { powershell } from "./windows-tools.ts";

const KEY = "HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Run";
const NAME = "mcpd";
const READ = `(Get-Item '${KEY.replace("HKCU", "HKCU:")}').GetValue('${NAME}')`;

/** What the user's registry starts at login: it needs no rights, and keeps nothing running. */
export class RunKey {
  readonly #run: ToolRunner;
  readonly #systemDir: string;

  constructor(run: ToolRunner, systemDir: string) {
    this.#run = run;
    this.#systemDir = systemDir;
  }

  async exists(): Promise<boolean> {
    return (await this.#reg("query")).code === 0;
  }

  /** The words of the command; null when there is none. reg.exe would tell it in a code page. */
  async program(): Promise<readonly string[] | null> {
    const { code, stdout } = await this.#run(powershell(READ, this.#systemDir));
    const line = stdout.trim();
    return code !== 0 || line === "" ? null : wordsIn(line);
  }

  async add(words: readonly string[]): Promise<ToolResult> {
    const [program = "", ...rest] = words;
    const line = `"${program}" ${commandLine(rest)}`;
    return await this.#reg("add", "/t", "REG_SZ", "/d", line, "/f");
  }

  async remove(): Promise<ToolResult> {
    return await this.#reg("delete", "/f");
  }

  async #reg(verb: string, ...words: readonly string[]): Promise<ToolResult> {
    const tool = win32.join(this.#systemDir, "reg.exe");
    return await this.#run([tool, verb, KEY, "/v", NAME, ...words]);
  }
}
