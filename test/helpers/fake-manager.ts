import { readFileSync } from "node:fs";
import { join } from "node:path";

import type { ToolResult, ToolRunner } from "../../src/platform/run.ts";
import { isAlive } from "./program.ts";
import { ROOT } from "./sources.ts";
import type { TemporaryDirectory } from "./temporary.ts";
import { waitFor } from "./wait.ts";

export const FAKES = join(ROOT, "test", "fixtures", "service-managers");

/** A service manager of another system: a resident program, which answers for its tools. */
export class FakeManager implements AsyncDisposable {
  /** Every tool that was run, with its words. */
  readonly asked: string[] = [];
  readonly #child: Bun.Subprocess<"pipe", "inherit", "inherit">;
  readonly #socket: string;

  private constructor(child: FakeManager["child"], socket: string) {
    this.#child = child;
    this.#socket = socket;
  }

  get child(): Bun.Subprocess<"pipe", "inherit", "inherit"> {
    return this.#child;
  }

  static async start(
    name: "launchd.ts" | "task-scheduler.ts",
    home: TemporaryDirectory,
    ...words: readonly string[]
  ): Promise<FakeManager> {
    const socket = home.file("manager.sock");
    const child = Bun.spawn([process.execPath, "run", join(FAKES, name), socket, ...words], {
      stdio: ["pipe", "inherit", "inherit"],
    });
    await waitFor("the fake to listen", () => listens(socket));
    return new FakeManager(child, socket);
  }

  /** What a tool says; the path of the real one is what the adapter asks for. */
  readonly run: ToolRunner = async (argv) => {
    const [path = "", ...words] = argv;
    const tool = path.replace(/^.*[/\\]/, "").replace(/\.exe$/, "");
    this.asked.push([tool, ...words].join(" "));
    const body = JSON.stringify({ tool, words });
    const answer = await fetch("http://fake/", { unix: this.#socket, method: "POST", body });
    return (await answer.json()) as ToolResult;
  };

  async control(wish: object): Promise<void> {
    await this.run(["control", JSON.stringify(wish)]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.stdin.end();
    await this.#child.exited;
  }
}

async function listens(socket: string): Promise<boolean> {
  try {
    (await Bun.connect({ unix: socket, socket: { data: () => undefined } })).terminate();
    return true;
  } catch {
    return false;
  }
}

/** What the stand-in for the bootstrap says about itself in its working directory. */
export type StandIn = {
  readonly pid: number;
  readonly cwd: string;
  readonly words: readonly string[];
  readonly path: string;
  readonly umask: number;
};

/** The stand-in that runs in this directory; null when none does. */
export function standIn(workingDir: string): StandIn | null {
  try {
    const about = JSON.parse(readFileSync(join(workingDir, "standin.json"), "utf8")) as StandIn;
    return isAlive(about.pid) ? about : null;
  } catch {
    return null;
  }
}
