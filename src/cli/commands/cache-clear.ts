import { command } from "../command.ts";
import { ANSWER_MS, withDaemon } from "../here.ts";

export default command({
  meta: { name: "cache clear", description: "Forget the kept answers of an upstream, or of all." },
  args: {
    upstream: { type: "positional", required: false, description: "Whose; all if left out" },
  },
  examples: [
    { line: "mcpd cache clear", text: "Ask everything anew" },
    { line: "mcpd cache clear files", text: "Only what came from this one" },
  ],
  async execute({ args, options, output }) {
    const whose = args.upstream === undefined ? {} : { upstream: args.upstream };
    await withDaemon(async (daemon) => {
      const params = { ...whose, forget: true };
      const status = await daemon.request("mcpd/cache", params, { timeoutMs: ANSWER_MS });
      if (options.json) output.json(status);
      else output.print(`Forgot the kept answers of ${args.upstream ?? "all upstreams"}`);
    });
    return 0;
  },
});
