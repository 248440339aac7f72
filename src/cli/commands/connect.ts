import { OUR_NAME } from "../../clients/link.ts";
import { filesToConnect, isConcerned, lookAt, notStarted } from "../../clients/scan.ts";
import { byFile, connected, editedInTurn } from "../../clients/setup.ts";
import { fault, FaultError } from "../../core/fault.ts";
import { changeFiles } from "../client-change.ts";
import { CLIENT, clientContext, clientNamed, PROJECT } from "../client-context.ts";
import { command } from "../command.ts";
import { DRY_RUN } from "../config-change.ts";
import { orThrow } from "../config-file.ts";
import { usage } from "../parse.ts";
import { projectOf } from "../project.ts";
import { entryOf } from "../upstream-entry.ts";

export default command({
  meta: {
    name: "connect",
    description:
      "Register mcpd in the config of an MCP client; its other servers stay. " +
      "Everything else in the file stays as it is, and 'mcpd undo' takes it back.",
  },
  args: {
    ...CLIENT,
    scope: {
      type: "enum",
      valueHint: "SCOPE",
      options: ["user", "project"],
      default: "user",
      description: "user: everywhere. project: in the project's own config only",
    },
    server: {
      type: "string",
      alias: "s",
      valueHint: "NAME",
      description: "One upstream under its own name, instead of all",
    },
    ...PROJECT,
    ...DRY_RUN,
  },
  examples: [
    { line: "mcpd connect cursor --dry-run", text: "See what would change" },
    { line: "mcpd connect claude-code --scope project", text: "In this project's .mcp.json" },
    { line: "mcpd connect claude-desktop --server github", text: "One upstream only" },
  ],
  execute({ args, options, output }) {
    const client = clientNamed(args.client);
    const isProject = args.scope === "project";
    if (args.project !== undefined && !isProject) {
      throw usage("--project needs --scope project", "connect");
    }
    const project = isProject ? projectOf(args.project, "connect") : null;
    const context = clientContext(options, project);
    const server = args.server ?? null;
    if (server !== null) entryOf(context.config, server);
    const name = server ?? OUR_NAME;
    const looks = filesToConnect(
      lookAt(client, context.where, context.link, [isProject ? "project" : "user"]),
    );
    if (looks.length === 0) {
      const state = isProject ? "it has no config of a project" : "it has no config";
      throw usage(`Cannot connect ${client.title}: ${state}`, "connect");
    }
    const files = looks.map((look) => {
      if (look.kind === "unusable") throw new FaultError(look.problem);
      if (look.servers.has(name) && !look.ours.includes(name)) {
        const text = `Cannot connect ${client.title}: it has another server called "${name}"`;
        throw new FaultError(fault("client.taken", text, `"${name}"`));
      }
      return look;
    });
    const changes = byFile(files, (file) => file).flatMap((lists) =>
      orThrow(
        editedInTurn(lists, (list) => connected(list, context.link, { name, server, remove: [] })),
      ),
    );
    if (!isConcerned(client, context.where)) {
      output.notes.warn(`${client.title} was not found on this machine`);
    }
    if (changes.length === 0) output.notes.info(`${client.title} is connected already`);
    for (const file of files) {
      const inVain = notStarted(file, name);
      if (inVain !== null) output.notes.warn(inVain);
    }
    return changeFiles(context, changes, {
      command: `connect ${client.id}`,
      dryRun: args["dry-run"],
      options,
      output,
      done: `Connected ${client.title}; start it anew to use mcpd`,
      data: { client: client.id },
    });
  },
});
