import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import type { Client, Place, Where } from "../../src/clients/client.ts";
import { editServers } from "../../src/clients/document.ts";
import { type Link, OUR_NAME, wayOf } from "../../src/clients/link.ts";
import { CLIENTS } from "../../src/clients/registry.ts";
import { isFault } from "../../src/core/fault.ts";

const KNOWN = join(import.meta.dir, "..", "..", "src", "clients", "known");
const LINK: Link = {
  program: ["/path/to/mcpd"],
  flags: [],
  http: { url: "http://127.0.0.1:8321/mcp", keyFile: "/home/you/.config/mcpd/api-key" },
};
const EVERYWHERE: readonly { readonly title: string; readonly where: Where }[] = [
  { title: "Linux", where: { system: "linux", home: "~", environment: {}, project: "." } },
  { title: "macOS", where: { system: "darwin", home: "~", environment: {}, project: "." } },
  {
    title: "Windows",
    where: { system: "windows", home: "%USERPROFILE%", environment: {}, project: "." },
  },
];
const LANGUAGE = { json: "json", toml: "toml", "yaml-map": "yaml", "yaml-list": "yaml" } as const;

/** One page for each client that we can connect, and a list of them. */
export function clientPages(): readonly (readonly [string, string])[] {
  const rows = CLIENTS.map((client) => {
    const [place] = client.places(first());
    const way = client.http ? "HTTP to a service, else the bridge" : "the bridge";
    return `| [${client.title}](${client.id}.md) | \`${place?.paths[0] ?? ""}\` | ${way} |`;
  });
  const index = `# Clients

<!-- Made by "bun run guide" from src/clients/known: change that. -->

\`mcpd clients\` lists those on your machine, \`mcpd setup\` connects all of them,
\`mcpd connect CLIENT\` one; \`mcpd undo\` takes it back.
Others are connected [by hand](../connecting.md).

| client | config (Linux) | connected by |
| --- | --- | --- |
${rows.join("\n")}
`;
  return [
    ["clients/README.md", index],
    ...CLIENTS.map((client) => [`clients/${client.id}.md`, page(client)] as const),
  ];
}

function page(client: Client): string {
  const { id, title } = client;
  const files = EVERYWHERE.flatMap((system) => filesOf(client, system.where, system.title));
  const [place] = client.places(first());
  if (place === undefined) throw new Error(`${id} has no place`);
  const isHttp = client.http
    ? "It can name the key by reference, so that with a [service](../service.md) it is connected by HTTP:"
    : "It is connected by `mcpd bridge`, which needs no key and starts the daemon when none runs:";
  const bridge = client.http
    ? `\nWithout a service it gets the bridge:\n\n${example(client, place, { ...LINK, http: null })}\n`
    : "";
  const ofProject = client.places(first()).some(({ scope }) => scope === "project")
    ? `mcpd connect ${id} --scope project   # in the directory of one project\n`
    : "";
  const local = client.places(first()).some(({ scope }) => scope === "local")
    ? "\nIts servers of one project that are kept in the file of the user (scope local) are taken over by\n" +
      "`mcpd setup`, too, with that project.\n"
    : "";
  const sources = sourcesOf(id).map((url) => `<${url}>`);
  return `# ${title}

<!-- Made by "bun run guide" from src/clients/known: change that. -->

\`\`\`sh
mcpd connect ${id} --dry-run   # see what would change
mcpd connect ${id}
${ofProject}\`\`\`

Start ${title} anew afterwards. \`mcpd disconnect ${id}\` takes it out again,
\`mcpd import ${id}\` brings the servers that it has into mcpd.

| where | file |
| --- | --- |
${files.join("\n")}
${local}
${isHttp}

${example(client, place, LINK)}
${bridge}
Its format: ${sources.join(", ")}.
`;
}

function filesOf(client: Client, where: Where, title: string): readonly string[] {
  return client.places(where).flatMap(({ scope, paths }) => {
    const name = scope === "project" ? "project" : title;
    if (scope === "local" || (scope === "project" && where.system !== "linux")) return [];
    return [`| ${name} | ${paths.map((path) => `\`${path}\``).join(", else ")} |`];
  });
}

/** The very text that 'mcpd connect' writes into an empty file. */
function example(client: Client, { shape, dialect, paths }: Place, link: Link): string {
  const entry = dialect.write(wayOf(client, link, { server: null, project: null }), OUR_NAME);
  const edits = { set: [[OUR_NAME, entry] as const], remove: [] };
  const text = editServers("", shape, paths[0] ?? "", edits);
  if (isFault(text)) throw new Error(text.text);
  return `\`\`\`${LANGUAGE[shape.format]}\n${text.trimEnd()}\n\`\`\``;
}

/** The addresses in the comment of the client's file. */
function sourcesOf(id: string): readonly string[] {
  const texts = readdirSync(KNOWN).map((name) => readFileSync(join(KNOWN, name), "utf8"));
  const text = texts.find((one) => one.includes(`id: "${id}"`)) ?? "";
  const [comment = ""] = /\/\*\*(?:(?!\*\/)[\s\S])*Format:[\s\S]*?\*\//.exec(text) ?? [];
  return [...comment.matchAll(/https:\/\/[^\s),*"]+[^\s),*".:;]/g)].map(([url]) => url);
}

function first(): Where {
  const [system] = EVERYWHERE;
  if (system === undefined) throw new Error("There is no system");
  return system.where;
}
