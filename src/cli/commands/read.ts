import type { ReadResult } from "../../control/api.ts";
import { AIM_ARGUMENTS, askFor } from "../aimed.ts";
import { readResult } from "../call-result.ts";
import { command } from "../command.ts";
import { saveAll } from "../save.ts";

export default command({
  meta: { name: "read", description: "Read a resource by its URI." },
  args: {
    uri: { type: "positional", required: true, description: "URI of the resource" },
    upstream: {
      type: "string",
      alias: "u",
      valueHint: "NAME",
      description: "Whose it is, where the lists do not tell",
    },
    output: {
      type: "string",
      alias: "o",
      valueHint: "FILE",
      description: "Write it to a file",
    },
    ...AIM_ARGUMENTS,
  },
  examples: [
    { line: "mcpd read file:///etc/hosts", text: "A resource as text" },
    { line: "mcpd read screen://now --output now.png", text: "Save an image" },
  ],
  async execute({ args, options, output }) {
    const { uri, upstream } = args;
    const aim = { uri, ...(upstream === undefined ? {} : { upstream }) };
    const text = `Reading ${uri}`;
    const result = await askFor("mcpd/read", aim, args, { options, output, text });
    const read = readResult({ content: blocksOf(result) });
    if (args.output !== undefined) {
      const plain = { label: "text", bytes: Buffer.from(read.exact) };
      saveAll(read.binaries.length > 0 ? read.binaries : [plain], args.output, output);
    }
    if (options.json) output.json(result);
    else if (args.output === undefined) output.write(read.text);
    return 0;
  },
});

/** A resource that was read looks like one that a tool has embedded in its result. */
function blocksOf({ contents }: ReadResult): { readonly type: string }[] {
  return contents.map((resource) => ({ type: "resource", resource }));
}
