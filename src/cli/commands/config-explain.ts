import { type ExplainRow, explainRows } from "../../config/explain.ts";
import { parseConfig } from "../../config/parse.ts";
import { didYouMean } from "../../core/spelling.ts";
import { command } from "../command.ts";
import { configText } from "../config-change.ts";
import { openConfig, orThrow } from "../config-file.ts";
import { usage } from "../parse.ts";
import type { Paint } from "../style.ts";
import { table } from "../table.ts";

const WIDTH = 80;

export default command({
  meta: {
    name: "config explain",
    description: "Explain the keys of the config: what they mean, their defaults, their values.",
  },
  args: {
    key: { type: "positional", required: false, description: "One key or a section of keys" },
  },
  examples: [
    { line: "mcpd config explain", text: "All keys and values" },
    { line: "mcpd config explain daemon.port", text: "Everything about one" },
  ],
  async execute({ args, options, output }) {
    const config = openConfig(options.config);
    const text = configText(config);
    const parsed = text === null ? null : orThrow(parseConfig(text, config.store.path));
    const rows = explainRows(parsed, args.key);
    if (rows.length === 0) {
      const guess = didYouMean(
        args.key ?? "",
        explainRows(parsed).map((row) => row.path),
      );
      throw usage(`There is no key "${args.key}"${guess}`, "config explain");
    }
    const [only] = rows;
    if (options.json) output.json(rows);
    else if (rows.length === 1 && only !== undefined) output.print(detail(only, output.paint));
    else output.print(overview(rows, output.paint, await output.width()));
    return 0;
  },
});

function overview(rows: readonly ExplainRow[], paint: Paint, width: number | null): string {
  const columns = [{ title: "KEY" }, { title: "VALUE" }, { title: "MEANING" }];
  const cells = rows.map((row) => [
    row.path,
    row.origin === "file" ? paint("bold", shown(row.value)) : shown(row.value),
    row.title,
  ]);
  return table(columns, cells, width);
}

function detail(row: ExplainRow, paint: Paint): string {
  const applies = {
    live: "at once",
    replace: "by restarting the upstream",
    members: "by starting or ending replicas",
    move: "by listening there instead",
  };
  const place = row.line === null ? row.origin : `line ${row.line}`;
  return [
    `${paint("bold", row.path)}  ${row.title}`,
    Bun.wrapAnsi(row.description, WIDTH),
    "",
    `  value    ${shown(row.value)} (${place})`,
    `  default  ${shown(row.default)}`,
    `  type     ${row.type}`,
    `  applies  ${applies[row.applies]}`,
  ].join("\n");
}

function shown(value: unknown): string {
  return value === undefined ? "-" : JSON.stringify(value);
}
