/**
 * `bun run pictures`: writes the pictures of the README from what dist/mcpd really prints, in a
 * home of their own. Processes, sizes and times differ from run to run, so nobody checks that they
 * are current.
 */
import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";

import { ClientHome } from "../test/e2e/clients.ts";
import { Daemon, type Finished } from "../test/e2e/harness.ts";
import { realServer } from "../test/helpers/program.ts";
import { pictureOf } from "./pictures/svg.ts";

const PICTURES = join(import.meta.dir, "..", ".github", "guide", "pictures");
const COLOURS = { FORCE_COLOR: "1", NO_COLOR: "", PATH: "/usr/local/bin:/usr/bin:/bin" };

/** What people would see: their own home and program, as they type them. */
function shown(home: ClientHome, text: string): string {
  const served = /\S+ run \S+(@modelcontextprotocol\/server-\w+)\/dist\/index\.js/g;
  return text
    .replaceAll(home.path, "~")
    .replaceAll(served, "npx -y $1")
    .replaceAll(/:\d{5}\b/g, ":8321");
}

function wordsOf({ stdout, stderr }: Finished): string {
  return `${stdout}${stderr}`.trimEnd();
}

async function save(name: string, line: string, home: ClientHome, run: Finished): Promise<void> {
  const text = shown(home, wordsOf(run));
  await Bun.write(join(PICTURES, `${name}.svg`), pictureOf(line, text));
}

mkdirSync(PICTURES, { recursive: true });
{
  using home = new ClientHome(COLOURS);
  for (const id of ["claude-code", "cursor", "vscode", "codex"]) {
    const servers = { everything: realServer("everything"), memory: realServer("memory") };
    const key = id === "vscode" ? "servers" : "mcpServers";
    const toml = Object.entries(servers).map(([name, { command, args }]) => {
      return `[mcp_servers.${name}]\ncommand = ${JSON.stringify(command)}\nargs = ${JSON.stringify(args)}\n`;
    });
    home.write(id, id === "codex" ? toml.join("\n") : JSON.stringify({ [key]: servers }));
  }
  // Every client starts its own.
  const started = Array.from({ length: 4 }, () => [realServer("everything"), realServer("memory")]);
  const servers = started
    .flat()
    .map(({ command, args }) =>
      Bun.spawn([command, ...args], { env: home.env, stdio: ["pipe", "ignore", "ignore"] }),
    );
  await Bun.sleep(1500);
  // As after "mcpd install", which is the first of the two commands.
  await using daemon = await Daemon.start({}, { home });
  const first = await daemon.run("setup", "--yes");
  // The clients are started again.
  for (const server of servers) server.kill("SIGKILL");
  for (const name of ["everything", "memory"]) await daemon.run("tools", "--upstream", name);
  const then = await daemon.run("setup", "--dry-run");
  const stdout = `${wordsOf(first)}\n\n$ mcpd setup --dry-run\n${wordsOf(then)}`;
  await save("setup", "mcpd setup --yes", home, { ...first, stdout, stderr: "" });
}
{
  using home = new ClientHome(COLOURS);
  const mcpServers = {
    everything: realServer("everything"),
    memory: realServer("memory"),
    files: realServer("filesystem", home.path),
  };
  await using daemon = await Daemon.start({ mcpServers }, { home });
  for (const name of Object.keys(mcpServers)) await daemon.run("tools", "--upstream", name);
  await daemon.run("call", "everything", "echo", "message=hello");
  await daemon.run("call", "memory", "read_graph");
  await daemon.run("call", "files", "list_allowed_directories");
  await save("status", "mcpd status --memory", home, await daemon.run("status", "--memory"));
}
{
  using home = new ClientHome(COLOURS);
  const mcpServers = {
    memory: realServer("memory"),
    github: { command: "github-mcp-server", args: ["stdio"] },
  };
  await using daemon = await Daemon.start({ mcpServers }, { home });
  const headers = { Authorization: `Bearer ${daemon.key}` };
  const entry = { type: "http", url: "http://127.0.0.1:9000/mcp", headers };
  home.write("cursor", JSON.stringify({ mcpServers: { mcpd: entry } }));
  chmodSync(home.configFile, 0o644);
  await save("doctor", "mcpd doctor", home, await daemon.run("doctor"));
}
