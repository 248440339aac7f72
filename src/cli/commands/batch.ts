import { ask, DAEMON_ARGUMENT } from "../ask.ts";
import { type BatchResult, readBatch, runBatch } from "../batch.ts";
import { command } from "../command.ts";
import { ownProject } from "../project.ts";
import { wholeNumber } from "../values.ts";

export default command({
  meta: {
    name: "batch",
    description:
      "Call many tools at once. The file has one call in each line, or a JSON array of calls: " +
      '{"tool": "NAME", "arguments": {...}}, with "upstream" and "timeout_secs" where wanted. ' +
      "The results come in the order of the calls, one JSON document in each line.",
  },
  args: {
    file: { type: "positional", required: true, description: "File, or - for standard input" },
    parallel: {
      type: "string",
      alias: "p",
      valueHint: "N",
      default: "8",
      description: "Calls at the same time (default: 8)",
    },
    ...DAEMON_ARGUMENT,
  },
  examples: [
    { line: "mcpd batch calls.jsonl", text: "Every call of a file" },
    { line: "generate | mcpd batch - --parallel 32 | jq .result", text: "In a pipe" },
  ],
  async execute({ args, options, output }) {
    const bounds = { min: 1, max: 64 };
    const parallel = wholeNumber(args.parallel, "--parallel", bounds, "batch");
    const calls = readBatch(args.file);
    const need = { daemon: args.daemon, config: options.config };
    const tell = (result: BatchResult): void => {
      if (!options.json) output.print(JSON.stringify(result));
    };
    const done = calls.map(() => undefined);
    const results = await ask(need, output, (servers, signal) =>
      runBatch(servers, calls, { parallel, signal, ...ownProject() }, tell, done),
    );
    if (options.json) output.json({ results });
    const failed = results.filter(({ ok }) => !ok).length;
    if (failed > 0) output.notes.warn(`${failed} of ${results.length} calls failed`);
    return failed === 0 ? 0 : 1;
  },
});
