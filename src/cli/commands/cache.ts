import { cacheView } from "../cache-view.ts";
import { command } from "../command.ts";
import { ANSWER_MS, withDaemon } from "../here.ts";

export default command({
  meta: {
    name: "cache",
    description:
      'Show what is kept of answers, and how often it helped. What may be kept is under "cache" of an upstream.',
  },
  args: {
    upstream: { type: "positional", required: false, description: "Only this one" },
  },
  examples: [
    { line: "mcpd cache", text: "How much is kept, and how often it spared a request" },
    { line: "mcpd config explain mcpServers.cache", text: "What may be kept" },
  ],
  async execute({ args, options, output }) {
    const params = args.upstream === undefined ? {} : { upstream: args.upstream };
    await withDaemon(async (daemon) => {
      const status = await daemon.request("mcpd/cache", params, { timeoutMs: ANSWER_MS });
      if (options.json) output.json(status);
      else output.print(cacheView(status, await output.width()));
    });
    return 0;
  },
});
