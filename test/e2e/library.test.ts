import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { fixture, processesOf, program } from "../helpers/program.ts";
import { ROOT } from "../helpers/sources.ts";
import { TemporaryDirectory } from "../helpers/temporary.ts";
import { waitFor, within } from "../helpers/wait.ts";
import { Daemon, Home } from "./harness.ts";

// The library as whoever installs the package has it: packed, in an empty folder, on Node and Bun.

const ECHO = { echo: fixture("echo.ts") };

/** The words of a program on standard output; it must end well. */
async function outputOf(
  words: readonly string[],
  cwd: string,
  env: { readonly [name: string]: string | undefined } = process.env,
): Promise<string> {
  const child = Bun.spawn([...words], { cwd, env: { ...env }, stdio: ["ignore", "pipe", "pipe"] });
  const [stdout, stderr, exitCode] = await within(
    words.join(" "),
    Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]),
  ).finally(() => child.kill("SIGKILL"));
  if (exitCode !== 0)
    throw new Error(`${words.join(" ")} ended with ${exitCode}: ${stderr}${stdout}`);
  return stdout;
}

/** A folder with the packed library in its node_modules. */
class Consumer implements Disposable {
  readonly #directory = new TemporaryDirectory();
  readonly path = this.#directory.path;
  packed: readonly string[] = [];

  static async make(): Promise<Consumer> {
    const consumer = new Consumer();
    const { path } = consumer;
    const source = join(ROOT, "dist", "package");
    const report = await outputOf(["npm", "pack", "--json", source], path);
    const [{ filename, files }] = JSON.parse(report) as [
      { readonly filename: string; readonly files: readonly { readonly path: string }[] },
    ];
    consumer.packed = files.map((file) => file.path).sort();
    writeFileSync(join(path, "package.json"), '{ "type": "module", "private": true }');
    await outputOf(["npm", "install", "--offline", "--no-audit", "--no-fund", filename], path);
    return consumer;
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.path, name), text);
  }

  /** Runs a program of its own and parses what it prints. */
  async run(runtime: string, name: string, home: Home): Promise<unknown> {
    const env = { ...home.env, MCPD_PROGRAM: program() };
    return JSON.parse(await outputOf([runtime, name], this.path, env));
  }

  [Symbol.dispose](): void {
    this.#directory[Symbol.dispose]();
  }
}

const SCRIPT = `
import { callTool, connect, daemonIsRunning, listTools, McpdError, textOf } from "mcpd";

const program = process.env.MCPD_PROGRAM;
const said = {};
said.running = await daemonIsRunning();
said.sum = textOf(await callTool("echo/add", { a: 40, b: 2 }, { program }));
said.tools = (await listTools({ program, search: "add" })).map(({ name }) => name);
const mcpd = await connect({ program });
try {
  said.mode = mcpd.mode;
  said.resource = (await mcpd.readResource("echo://one")).contents[0].text;
  said.prompt = (await mcpd.getPrompt("greet", { name: "Ada" })).messages[0].content.text;
  said.prompts = (await mcpd.listPrompts()).map(({ name }) => name);
  said.resources = (await mcpd.listResources()).length;
  said.pid = (await mcpd.status()).pid > 0;
  said.steps = [];
  const onProgress = ({ progress, total }) => said.steps.push([progress, total]);
  await mcpd.callTool("progress", { steps: 2 }, { onProgress });
  const wrong = await mcpd.callTool("add", { a: "x" }).catch((error) => error);
  said.wrong = [wrong instanceof McpdError, wrong.code, wrong.data.problems];
  const late = await mcpd.callTool("never", {}, { timeoutMs: 100 }).catch((error) => error);
  said.late = late.code;
} finally {
  await mcpd[Symbol.asyncDispose]();
}
console.log(JSON.stringify(said));
`;

const SAID = {
  sum: "42",
  tools: ["add", "change"],
  resource: "echo://one",
  prompt: "Hello Ada",
  prompts: ["greet", "plain"],
  resources: 4,
  pid: true,
  steps: [
    [1, 2],
    [2, 2],
  ],
  wrong: [true, "params.invalid", ["/a: expected number, got string"]],
  late: "exchange.timed-out",
};

const TYPED = `
import { callTool, connect, type Mcpd, McpdError, textOf, type ToolRow } from "mcpd";

export async function typed(): Promise<string> {
  await using mcpd: Mcpd = await connect({ retries: 1, timeoutMs: 5_000 });
  const tools: readonly ToolRow[] = await mcpd.listTools({ search: "x" });
  const { code } = new McpdError("tool.unknown", "x");
  return textOf(await callTool(tools[0]?.name ?? "", { known: code === "tool.unknown" }));
}
`;

const MISTYPED = `
import { callTool, McpdError } from "mcpd";

await callTool(7);
export const known = new McpdError("tool.unknown", "x").code === "tool.unheard-of";
`;

if (Bun.which("npm") !== null && Bun.which("node") !== null) {
  describe("the package", () => {
    test("holds the library, its types and nothing else, and installs without the network", async () => {
      using consumer = await Consumer.make();
      expect(consumer.packed.filter((path) => !path.startsWith("types/"))).toEqual([
        "LICENSE",
        "README.md",
        "mcpd.js",
        "package.json",
      ]);
      const types = consumer.packed.filter((path) => path.startsWith("types/"));
      expect(types).toContain("types/library/mcpd.d.ts");
      expect(types.every((path) => path.endsWith(".d.ts"))).toBe(true);
      const installed = join(consumer.path, "node_modules", "mcpd", "package.json");
      expect(JSON.parse(readFileSync(installed, "utf8"))).not.toHaveProperty("dependencies");
    });

    test("has types that hold", async () => {
      using consumer = await Consumer.make();
      consumer.write("typed.ts", TYPED);
      consumer.write(
        "tsconfig.json",
        JSON.stringify({
          compilerOptions: {
            strict: true,
            noEmit: true,
            module: "nodenext",
            target: "es2022",
            lib: ["es2023", "esnext.disposable", "dom"],
            types: [],
          },
          files: ["typed.ts"],
        }),
      );
      const compiler = join(ROOT, "node_modules", "typescript", "bin", "tsc");
      const check = [process.execPath, compiler, "-p", "."];
      await outputOf(check, consumer.path);
      consumer.write("typed.ts", MISTYPED);
      const told = await outputOf(check, consumer.path).catch(String);
      expect(told).toMatch(/typed\.ts\(4,16\)[\s\S]*typed\.ts\(5,22\)/);
    });

    test.each(["node", process.execPath])(
      "works on %s, with a daemon and without",
      async (runtime) => {
        using consumer = await Consumer.make();
        consumer.write("script.mjs", SCRIPT);
        using home = new Home();
        home.writeConfig({ mcpServers: ECHO });
        const alone = await consumer.run(runtime, "script.mjs", home);
        expect(alone).toEqual({ ...SAID, running: false, mode: "direct" });
        await waitFor("nobody to be left", () => processesOf(home.path).length === 0);
        await using daemon = await Daemon.start(null, { home });
        const shared = await consumer.run(runtime, "script.mjs", daemon.home);
        expect(shared).toEqual({ ...SAID, running: true, mode: "daemon" });
      },
    );
  });
}
