/** What the suite is pointed at: the fixture itself, and mcpd in front of it. */
import { join } from "node:path";

import { Daemon } from "../e2e/harness.ts";
import { within } from "../helpers/wait.ts";
import { type Revision, runServerSuite, type Scenario } from "./suite.ts";

/** The stdio forms of the fixture, each an upstream of the same name. */
const STDIO_FORMS = ["dual", "modern", "legacy"] as const;

/** "direct": the HTTP form of the fixture. The others: mcpd in front of that stdio form. */
export const TARGETS = ["direct", ...STDIO_FORMS] as const;

export type Target = (typeof TARGETS)[number];

/** How a program of this directory is started. */
export function programHere(
  file: string,
  ...words: readonly string[]
): { readonly command: string; readonly args: readonly string[] } {
  return { command: process.execPath, args: ["run", join(import.meta.dir, file), ...words] };
}

/** A fixture that serves HTTP in a process of its own, which ends with the scope. */
export class HttpFixture implements AsyncDisposable {
  readonly url: string;
  readonly #child: Bun.Subprocess<"pipe", "pipe", "inherit">;

  private constructor(url: string, child: Bun.Subprocess<"pipe", "pipe", "inherit">) {
    this.url = url;
    this.#child = child;
  }

  static async start(file: string, form: string): Promise<HttpFixture> {
    const { command, args } = programHere(file, form);
    const child = Bun.spawn([command, ...args], { stdio: ["pipe", "pipe", "inherit"] });
    const reader = child.stdout.getReader();
    const { value } = await within(`the URL of ${file} ${form}`, reader.read());
    return new HttpFixture(new TextDecoder().decode(value).trim(), child);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.stdin.end();
    await within("the fixture to end", this.#child.exited).finally(() => this.#child.kill());
  }
}

/** A daemon with every stdio form as an upstream, each one shared process; it asks for no key. */
export async function startDaemon(): Promise<Daemon> {
  const forms = STDIO_FORMS.map((form) => [form, programHere("fixture.ts", form)]);
  return await Daemon.start({
    daemon: { auth: "none" },
    mcpServers: Object.fromEntries(forms),
  });
}

/** Runs a requirement set against a target. */
export async function scenariosAt(
  target: Target,
  revision: Revision,
): Promise<readonly Scenario[]> {
  if (target === "direct") {
    await using fixture = await HttpFixture.start("fixture.ts", "http");
    return await runServerSuite(fixture.url, revision);
  }
  await using daemon = await startDaemon();
  return await runServerSuite(daemon.mcpUrl(target), revision);
}
