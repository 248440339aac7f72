import { existsSync } from "node:fs";
import { basename, resolve } from "node:path";

import type { Client } from "../../clients/client.ts";
import { snapshot, textOf } from "../../clients/files.ts";
import { type Foreign, readForeign } from "../../clients/foreign.ts";
import { mergeServers } from "../../clients/merge.ts";
import { CLIENTS } from "../../clients/registry.ts";
import { type Look, lookAt } from "../../clients/scan.ts";
import { takeoverOf, vetted } from "../../clients/setup.ts";
import { fault, FaultError } from "../../core/fault.ts";
import { changeFiles } from "../client-change.ts";
import {
  type ClientContext,
  clientContext,
  clientNamed,
  configChanges,
  rulesOf,
} from "../client-context.ts";
import { command } from "../command.ts";
import { DRY_RUN } from "../config-change.ts";
import { orThrow } from "../config-file.ts";
import { entriesOf } from "../upstream-entry.ts";

export default command({
  meta: {
    name: "import",
    description:
      "Add the MCP servers of a file or of a client to mcpd. The source is not changed; secrets " +
      "that it holds go to files that only you can read.",
  },
  args: {
    source: {
      type: "positional",
      required: true,
      description: "A client, or a file: a client's config, mcp_servers.json or daemon.toml",
    },
    ...DRY_RUN,
  },
  examples: [
    { line: "mcpd import claude-desktop --dry-run", text: "See what Claude Desktop has" },
    { line: "mcpd import ./.mcp.json", text: "From a file" },
  ],
  async execute({ args, options, output }) {
    const context = clientContext(options, null);
    const rules = rulesOf(context);
    const { found, left, settings } = vetted(read(args.source, context), rules);
    const merged = mergeServers(entriesOf(context.config), found, rules);
    const fresh = merged.filter(({ isNew }) => isNew);
    const changes = await configChanges(context, merged, settings);
    for (const { name, why } of left) output.notes.warn(`"${name}" is not imported: ${why}`);
    for (const { name, isNew } of merged) {
      if (!isNew) output.notes.info(`"${name}" is in the config already`);
    }
    const names = fresh.map(({ name }) => name);
    const what = names.length === 0 ? "the settings" : names.join(", ");
    return changeFiles(context, changes, {
      command: `import ${args.source}`,
      dryRun: args["dry-run"],
      options,
      output,
      secrets: fresh.flatMap(({ secrets }) => secrets.map(({ value }) => value)),
      done: `Imported ${what}`,
      data: { imported: names, left },
    });
  },
});

/** A file wins over a client of that name: it can be seen. */
function read(source: string, context: ClientContext): Foreign {
  const isClient = CLIENTS.some(({ id }) => id === source.toLowerCase());
  const path = resolve(source);
  if (existsSync(path) && !(isClient && !source.includes("."))) {
    // All that the client keeps in it, in its own dialect: that of its projects as well.
    const ofClients = CLIENTS.flatMap((client) => listsOf(client, context)).filter(
      (look) => pathOf(look) === path,
    );
    if (ofClients.length > 0) return takenFrom(ofClients, context);
    const text = orThrow(textOf(orThrow(snapshot(path))));
    return orThrow(readForeign(text, basename(path), context.where, context.link));
  }
  if (!isClient && /[./\\]/.test(source)) {
    throw new FaultError(fault("file.failed", `Cannot read ${path}: there is no such file`, path));
  }
  return takenFrom(listsOf(clientNamed(source), context), context);
}

function listsOf(client: Client, { where, link }: ClientContext): readonly Look[] {
  return lookAt(client, where, link, ["user", "local"]);
}

function pathOf(look: Look): string {
  return look.kind === "file" ? look.before.path : look.path;
}

function takenFrom(looks: readonly Look[], { where }: ClientContext): Foreign {
  const taken = looks.map((look) => {
    if (look.kind === "unusable") throw new FaultError(look.problem);
    return takeoverOf(look, where);
  });
  return {
    found: taken.flatMap(({ found }) => found),
    left: taken.flatMap(({ left }) => left),
    settings: [],
  };
}
