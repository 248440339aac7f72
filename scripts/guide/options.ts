import {
  aboutOf,
  bare,
  memberOf,
  nodeAt,
  type Path,
  ROOT_NODE,
  type SchemaNode,
  typeText,
} from "../../src/config/describe.ts";

const APPLIES = {
  live: "",
  replace: "A change replaces the instances of that server.",
  members:
    "A change starts or ends instances of that server; of several, those that are still wanted stay.",
  move: "A change applies at once, and ends what is connected at the old place.",
} as const;

const SECTIONS: readonly { readonly title: string; readonly path: Path; readonly text: string }[] =
  [
    { title: "daemon", path: ["daemon"], text: "The daemon itself: where it listens, for whom." },
    { title: "server", path: ["server"], text: "Bounds that hold for all clients and servers." },
    {
      title: "mcpServers.NAME",
      path: ["mcpServers", "name"],
      text: "One server each, under a name of yours.",
    },
    {
      title: "clients.NAME",
      path: ["clients", "name"],
      text: "What a kind of client is shown. NAME is what it calls itself, with `*` for any part of it; the first that fits counts.",
    },
  ];

/** Every key of the config, from its schema. */
export function optionsPage(): string {
  const sections = SECTIONS.map(({ title, path, text }) => {
    const node = nodeAt(path) ?? ROOT_NODE;
    return `## ${title}\n\n${text}\n\n${rowsOf(node, []).join("\n")}`;
  });
  return `# Options

<!-- Made by "bun run guide" from the schema of the config: change that. -->

Every key of the config. \`mcpd config explain KEY\` says the same with your own value, and
\`mcpd config schema\` is the JSON Schema for an editor. What has no remark applies as soon as the
file is saved.

${sections.join("\n\n")}
`;
}

function rowsOf(node: SchemaNode, path: readonly string[]): readonly string[] {
  return Object.keys(bare(node).entries ?? {}).flatMap((key) => {
    const member = memberOf(node, key);
    if (member === undefined) return [];
    const at = [...path, key];
    return bare(member).entries === undefined ? [row(member, at)] : rowsOf(member, at);
  });
}

function row(node: SchemaNode, path: readonly string[]): string {
  const { title = "", description = "", applies = "live" } = aboutOf(node);
  const otherwise =
    node.default === undefined ? "" : ` Without it: \`${JSON.stringify(node.default)}\`.`;
  const words = [`${title}: ${typeText(node)}.${otherwise}`, description, APPLIES[applies]];
  const text = words.filter((part) => part !== "").join(" ");
  return `- **\`${path.join(".")}\`** ${escaped(text)}`;
}

/** Names in angle brackets would be HTML. */
function escaped(text: string): string {
  return text.replaceAll(/[<>*_](?![^`]*`[^`]*$)/g, (sign) => `\\${sign}`);
}
