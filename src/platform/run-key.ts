import { commandLine, wordsIn } from "./command-line.ts";
import type { ToolResult, ToolRunner } from "./run.ts";

const KEY = "HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Run";
const NAME = "mcpd";

/** What the user's registry starts at login: it needs no rights, and keeps nothing running. */
export class RunKey {
  readonly #run: ToolRunner;
  readonly #reg: string;

  constructor(run: ToolRunner, reg: string) {
    this.#run = run;
    this.#reg = reg;
  }

  /** The words of the command; null when there is none. */
  async program(): Promise<readonly string[] | null> {
    const { code, stdout } = await this.#run([this.#reg, "query", KEY, "/v", NAME]);
    const line = code === 0 ? /REG_SZ\s+(.+?)\s*$/m.exec(stdout)?.[1] : undefined;
    if (line === undefined) return null;
    return wordsIn(line);
  }

  async add(words: readonly string[]): Promise<ToolResult> {
    const [program = "", ...rest] = words;
    const line = `"${program}" ${commandLine(rest)}`;
    return await this.#run([this.#reg, "add", KEY, "/v", NAME, "/t", "REG_SZ", "/d", line, "/f"]);
  }

  async remove(): Promise<ToolResult> {
    return await this.#run([this.#reg, "delete", KEY, "/v", NAME, "/f"]);
  }
}
