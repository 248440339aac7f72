import { editServers } from "../../clients/document.ts";
import { type ClientFile, lookAt } from "../../clients/scan.ts";
import type { Change } from "../../clients/write.ts";
import { FaultError } from "../../core/fault.ts";
import { changeFiles } from "../client-change.ts";
import {
  CLIENT,
  type ClientContext,
  clientContext,
  clientNamed,
  modeFor,
  PROJECT,
} from "../client-context.ts";
import { command } from "../command.ts";
import { DRY_RUN } from "../config-change.ts";
import { orThrow } from "../config-file.ts";
import { projectOf } from "../project.ts";

export default command({
  meta: {
    name: "disconnect",
    description:
      "Take mcpd out of the config of an MCP client, of the user and of this project. " +
      "The upstreams stay in mcpd; 'mcpd undo' gives a client its own servers back.",
  },
  args: {
    ...CLIENT,
    scope: {
      type: "enum",
      valueHint: "SCOPE",
      options: ["user", "project"],
      description: "Only the user's or the project's config",
    },
    ...PROJECT,
    ...DRY_RUN,
  },
  examples: [{ line: "mcpd disconnect cursor", text: "Cursor goes its own way again" }],
  execute({ args, options, output }) {
    const client = clientNamed(args.client);
    const context = clientContext(options, projectOf(args.project, "disconnect"));
    const scopes = (["user", "project"] as const).filter(
      (scope) => (args.scope ?? scope) === scope,
    );
    const looks = scopes.flatMap((scope) => lookAt(client, context.where, context.link, scope));
    const changes = looks.flatMap((look): Change[] => {
      if (look.kind === "unusable") throw new FaultError(look.problem);
      return look.ours.length === 0 ? [] : [changeOf(look, context)];
    });
    if (changes.length === 0) output.notes.info(`${client.title} is not connected`);
    return changeFiles(context, changes, {
      command: `disconnect ${client.id}`,
      dryRun: args["dry-run"],
      options,
      output,
      done: `Disconnected ${client.title}`,
      data: { client: client.id },
    });
  },
});

/** What 'connect' found is put back to the byte; else our entries are taken out. */
function changeOf(file: ClientFile, { journal }: ClientContext): Change {
  const { before, text, place, ours } = file;
  const rest = { before, mode: modeFor(place.scope), shape: place.shape, required: true };
  const earlier = journal.before(before);
  if (earlier?.command.startsWith("connect ") === true) {
    const { bytes, directories } = earlier;
    if (bytes === null) return { ...rest, after: null, directories };
    return { ...rest, after: new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes) };
  }
  const edits = { set: [], remove: ours };
  return { ...rest, after: orThrow(editServers(text, place.shape, before.path, edits)) };
}
