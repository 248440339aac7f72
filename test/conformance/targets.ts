/** What the suite is pointed at: the fixtures themselves, and mcpd between them and the suite. */
import { join } from "node:path";

import { Daemon } from "../e2e/harness.ts";
import { within } from "../helpers/wait.ts";
import { type Revision, runClientSuite, runServerSuite, type Scenario } from "./suite.ts";

/** The stdio forms of the fixture, each an upstream of the same name. */
const STDIO_FORMS = ["dual", "modern", "legacy"] as const;

/**
 * - direct: the HTTP form of the fixture.
 * - dual, modern, legacy: mcpd in front of that stdio form, one process for everybody.
 * - tasks: the HTTP form of the tasks fixture, for the scenarios of the extension alone.
 * - tasks-through: mcpd in front of its stdio form.
 * - client: the official client at the suite's servers.
 * - upstream: the same client at mcpd, which has the suite's servers as upstreams.
 */
export const TARGETS = [
  "direct",
  ...STDIO_FORMS,
  "tasks",
  "tasks-through",
  "client",
  "upstream",
] as const;

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
async function startDaemon(): Promise<Daemon> {
  const forms = STDIO_FORMS.map((form) => [form, programHere("fixture.ts", form)]);
  return await Daemon.start({
    daemon: { auth: "none" },
    mcpServers: { ...Object.fromEntries(forms), tasks: programHere("tasks-fixture.ts", "stdio") },
  });
}

/** Runs a requirement set against a target. */
export async function scenariosAt(
  target: Target,
  revision: Revision,
): Promise<readonly Scenario[]> {
  switch (target) {
    case "direct":
      return await atFixture("fixture.ts", revision);
    case "tasks":
      return onlyTasks(await atFixture("tasks-fixture.ts", revision));
    case "tasks-through": {
      await using daemon = await startDaemon();
      return onlyTasks(await runServerSuite(daemon.mcpUrl("tasks"), revision));
    }
    case "client":
      return await runClientSuite(driver("direct"), revision);
    case "upstream":
      return await runClientSuite(driver("mcpd"), revision);
    case "dual":
    case "modern":
    case "legacy": {
      await using daemon = await startDaemon();
      return await runServerSuite(daemon.mcpUrl(target), revision);
    }
  }
}

function onlyTasks(scenarios: readonly Scenario[]): readonly Scenario[] {
  return scenarios
    .filter(({ name }) => name.startsWith("tasks-"))
    .map((scenario) => ({ ...scenario, scored: true }));
}

async function atFixture(file: string, revision: Revision): Promise<readonly Scenario[]> {
  await using fixture = await HttpFixture.start(file, "http");
  return await runServerSuite(fixture.url, revision);
}

function driver(way: "direct" | "mcpd"): string {
  const { command, args } = programHere("client-driver.ts", way);
  return [command, ...args].join(" ");
}
