import type { ClientScope } from "../../clients/client.ts";
import { editServers } from "../../clients/document.ts";
import { type ClientFile, lookAt } from "../../clients/scan.ts";
import { byFile, editedInTurn } from "../../clients/setup.ts";
import type { Change } from "../../clients/write.ts";
import { FaultError } from "../../core/fault.ts";
import { changeFiles } from "../client-change.ts";
import {
  CLIENT,
  type ClientContext,
  clientContext,
  clientNamed,
  PROJECT,
} from "../client-context.ts";
import { command } from "../command.ts";
import { DRY_RUN } from "../config-change.ts";
import { orThrow } from "../config-file.ts";
import { projectOf } from "../project.ts";

/** What a client keeps for a project is in a file of its own, or in that of the user. */
const SCOPES: ReadonlyMap<string, readonly ClientScope[]> = new Map([
  ["user", ["user"]],
  ["project", ["project", "local"]],
]);

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
    const { link, where } = context;
    const files = lookAt(client, where, link, SCOPES.get(args.scope ?? "")).flatMap(
      (look): ClientFile[] => {
        if (look.project !== null && look.project !== where.project) return [];
        if (look.kind === "unusable") throw new FaultError(look.problem);
        return look.ours.length > 0 ? [look] : [];
      },
    );
    const changes = byFile(files, (file) => file).flatMap((lists) => changesOf(lists, context));
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
function changesOf(lists: readonly ClientFile[], { journal }: ClientContext): readonly Change[] {
  const edited = editedInTurn(lists, ({ text, place, ours, before }) =>
    editServers(text, place.shape, before.path, { set: [], remove: ours }),
  );
  return orThrow(edited).map((change) => {
    const earlier = journal.before(change.before);
    if (earlier?.command.startsWith("connect ") !== true) return change;
    const { bytes, directories } = earlier;
    if (bytes === null) return { ...change, after: null, directories };
    return { ...change, after: new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes) };
  });
}
