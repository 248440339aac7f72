import { shownReach } from "../../config/shown.ts";
import { FaultError, isFault, textWithHint } from "../../core/fault.ts";
import type { Reach, Unit } from "../../core/unit.ts";
import { command } from "../command.ts";
import { type ConfigFile, openConfig } from "../config-file.ts";
import { daemonStatus, orNull } from "../here.ts";
import { upstreamTable } from "../status-view.ts";
import { switchedOff } from "../switched-off.ts";
import { table } from "../table.ts";

type Row = {
  readonly name: string;
  readonly kind: Reach["kind"];
  readonly scope: Unit["scope"];
  readonly state: "disabled" | "stopped";
  readonly reach: string;
};

export default command({
  meta: {
    name: "servers list",
    description:
      "List the upstreams: those of the running daemon with their state, else those of the config.",
  },
  args: {},
  examples: [{ line: "mcpd servers", text: "The same, shorter" }],
  async execute({ options, output }) {
    const status =
      options.config === undefined ? await orNull(daemonStatus(), "daemon.unreachable") : null;
    if (status !== null) {
      const { upstreams } = status;
      if (options.json) output.json({ running: true, servers: upstreams });
      else output.print(upstreamTable(upstreams, output.paint, await output.width()));
      return 0;
    }
    const config = openConfig(options.config);
    const rows = configured(config);
    if (options.json) output.json({ running: false, servers: rows });
    else output.print(rowTable(rows, await output.width()));
    const off = switchedOff(config);
    if (off !== null) output.notes.info(textWithHint(off));
    else if (options.config === undefined) output.notes.info("The daemon is not running");
    return 0;
  },
});

function configured({ store, discovery }: ConfigFile): readonly Row[] {
  const loaded = discovery.origin === "defaults" ? store.lastGood : store.load();
  if (isFault(loaded)) throw new FaultError(loaded);
  return loaded.units.map((unit) => ({
    name: unit.upstream,
    kind: unit.reach.kind,
    scope: unit.scope,
    state: unit.disabled ? "disabled" : "stopped",
    reach: shownReach(unit.reach),
  }));
}

function rowTable(rows: readonly Row[], width: number | null): string {
  const columns = [
    { title: "UPSTREAM" },
    { title: "STATE" },
    { title: "SCOPE" },
    { title: "REACH" },
  ];
  return table(
    columns,
    rows.map((row) => [row.name, row.state, row.scope, row.reach]),
    width,
  );
}
