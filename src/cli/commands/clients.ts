import type { Client } from "../../clients/client.ts";
import { CLIENTS } from "../../clients/registry.ts";
import { isInstalled, type Look, lookAt } from "../../clients/scan.ts";
import { textWithHint } from "../../core/fault.ts";
import { type ClientContext, clientContext } from "../client-context.ts";
import { command } from "../command.ts";
import { projectOf } from "../project.ts";
import { table } from "../table.ts";

type Row = {
  readonly id: string;
  readonly title: string;
  readonly installed: boolean;
  readonly files: readonly {
    readonly path: string;
    readonly scope: string;
    /** Whose list it is; null for the user's. */
    readonly project: string | null;
    readonly exists: boolean;
    /** The names under which it has mcpd. */
    readonly connected: readonly string[];
    /** Servers it starts itself. */
    readonly servers: readonly string[];
    readonly problem: string | null;
  }[];
};

const COLUMNS = [
  { title: "CLIENT" },
  { title: "CONNECTED" },
  { title: "OWN SERVERS", align: "right" },
  { title: "CONFIG" },
] as const;

export default command({
  meta: {
    name: "clients",
    description: "List the MCP clients on this machine, their configs and whether they use mcpd.",
  },
  args: {},
  examples: [{ line: "mcpd clients --json", text: "With the names of their servers" }],
  async execute({ options, output }) {
    const context = clientContext(options, projectOf(undefined, "clients"));
    const rows = CLIENTS.map((client) => rowOf(client, context));
    if (options.json) {
      output.json({ clients: rows });
      return 0;
    }
    const cells = rows.flatMap((row) =>
      row.files.filter((file) => row.installed || file.exists).map((file) => line(row, file)),
    );
    if (cells.length > 0) output.print(table(COLUMNS, cells, await output.width()));
    const missing = rows.filter(({ installed }) => !installed).map(({ id }) => id);
    if (missing.length > 0) output.notes.info(`Not found here: ${missing.join(", ")}`);
    for (const { problem } of rows.flatMap(({ files }) => files)) {
      if (problem !== null) output.notes.warn(problem);
    }
    return 0;
  },
});

function line(row: Row, file: Row["files"][number]): readonly string[] {
  const count = file.problem === null ? String(file.servers.length) : "?";
  const connected = file.connected.length > 0 ? file.connected.join(", ") : "no";
  const where = file.scope === "local" ? `${file.path} for ${file.project}` : file.path;
  return [row.id, connected, count, file.exists ? where : `${where} (not there yet)`];
}

function rowOf(client: Client, { where, link }: ClientContext): Row {
  const files = lookAt(client, where, link).map(fileOf);
  const hasOwn = files.some(({ exists, scope }) => scope === "user" && exists);
  return {
    id: client.id,
    title: client.title,
    installed: isInstalled(client, where),
    files: files.filter(({ connected, exists, scope, servers }, at) => {
      if (scope === "local") return connected.length + servers.length > 0;
      // Where it has none, the first that it would look for.
      return exists || (at === 0 && scope === "user" && !hasOwn);
    }),
  };
}

function fileOf(look: Look): Row["files"][number] {
  const { scope } = look.place;
  const { project } = look;
  if (look.kind === "unusable") {
    const problem = textWithHint(look.problem);
    return { path: look.path, scope, project, exists: true, connected: [], servers: [], problem };
  }
  const { before, ours, servers } = look;
  return {
    path: before.path,
    scope,
    project,
    exists: before.bytes !== null,
    connected: ours,
    servers: [...servers.keys()].filter((name) => !ours.includes(name)),
    problem: null,
  };
}
