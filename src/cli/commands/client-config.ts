import { editServers } from "../../clients/document.ts";
import { type Link, OUR_NAME, type Registration, wayOf } from "../../clients/link.ts";
import { urlHost } from "../../lib/address.ts";
import { findKey } from "../api-key.ts";
import { type ClientContext, clientContext, clientNamed } from "../client-context.ts";
import { command } from "../command.ts";
import { inForce, orThrow } from "../config-file.ts";
import { projectOf } from "../project.ts";
import { entryOf } from "../upstream-entry.ts";

/** What is printed, and the file it is for: null where that depends on the client. */
type Printed = { readonly file: string | null; readonly text: string };

export default command({
  meta: {
    name: "client-config",
    description:
      "Print what the config of an MCP client has to say about mcpd, and change nothing. " +
      "Without --client it is for those that read mcpServers, and holds the API key.",
  },
  args: {
    client: {
      type: "string",
      alias: "c",
      valueHint: "CLIENT",
      description: "In the form of this client: see 'mcpd clients'",
    },
    server: {
      type: "string",
      alias: "s",
      valueHint: "NAME",
      description: "One upstream under its own name, instead of all",
    },
    project: {
      type: "string",
      valueHint: "DIR",
      description: "Directory that upstreams of scope project work on",
    },
    stdio: { type: "boolean", description: "Start 'mcpd bridge' instead of HTTP with the key" },
  },
  examples: [
    { line: "mcpd client-config", text: "Address and key" },
    { line: "mcpd client-config --client zed --server github", text: "One upstream for Zed" },
    { line: "mcpd client-config --stdio --project .", text: "Without the key, for one project" },
  ],
  execute({ args, options, output }) {
    const project = args.project === undefined ? null : projectOf(args.project, "client-config");
    const context = clientContext(options, project);
    const server = args.server ?? null;
    if (server !== null) entryOf(context.config, server);
    const registration = { server, project };
    const { client } = args;
    const link = args.stdio ? { ...context.link, http: null } : context.link;
    const printed =
      client === undefined
        ? common(context, registration, args.stdio)
        : formed(client, { ...context, link }, registration);
    if (options.json) output.json({ client: client ?? null, ...printed });
    else output.print(printed.text);
    if (printed.file !== null) output.notes.info(`For ${printed.file}; 'mcpd connect' writes it`);
    return 0;
  },
});

/** In the form of one client, as `mcpd connect` would write it into an empty file. */
function formed(named: string, context: ClientContext, registration: Registration): Printed {
  const client = clientNamed(named);
  const places = client.places(context.where);
  const wanted = registration.project === null ? "user" : "project";
  const place = places.find(({ scope }) => scope === wanted) ?? places[0];
  const file = place?.paths[0];
  if (place === undefined || file === undefined) return { file: null, text: "" };
  const name = registration.server ?? OUR_NAME;
  const entry = place.dialect.write(wayOf(client, context.link, registration), name);
  const text = orThrow(editServers("", place.shape, file, { set: [[name, entry]], remove: [] }));
  return { file, text };
}

/** In the form that most clients share, with the key in it. */
function common(context: ClientContext, registration: Registration, stdio: boolean): Printed {
  const name = registration.server ?? OUR_NAME;
  const entry = stdio ? bridge(context.link, registration) : overHttp(context, registration);
  return { file: null, text: JSON.stringify({ mcpServers: { [name]: entry } }, null, 2) };
}

function bridge({ program, flags }: Link, { server, project }: Registration): object {
  const [ours, ...script] = program;
  const which = server === null ? [] : ["--server", server];
  const where = project === null ? [] : ["--project", project];
  return { command: ours, args: [...script, "bridge", ...which, ...where, ...flags] };
}

function overHttp({ config }: ClientContext, { server, project }: Registration): object {
  const { daemon } = inForce(config);
  const path = server === null ? "/mcp" : `/mcp/${encodeURIComponent(server)}`;
  const url = new URL(`http://${urlHost(daemon.host)}:${daemon.port}${path}`);
  if (project !== null) url.searchParams.set("project", project);
  if (daemon.auth === "none") return { type: "http", url: url.href };
  const headers = { Authorization: `Bearer ${findKey(daemon).key}` };
  return { type: "http", url: url.href, headers };
}
