import type { Turn } from "./effect.ts";
import { isObject } from "./envelope.ts";
import { type Fault, fault, isFault } from "./fault.ts";
import { answerFor, type Call, refuse } from "./forward.ts";
import { LIMITS } from "./limits.ts";
import type { Entry } from "./listing.ts";
import { type Params, stringOr } from "./message.ts";
import { type Profile, shortened } from "./profile.ts";
import type { World } from "./world.ts";

/** Tools found by one search, unless another number is asked for. */
const FOUND = 10;
const FOUND_MAX = 50;
/** How much of a description a search shows. */
const SUMMARY_LENGTH = 200;
/** How much of a kept result one read gives, unless the profile allows less. */
const READ_LENGTH = 20_000;

const text = (description: string): Params => ({ type: "string", description });
const count = (description: string, more: Params): Params => {
  return { type: "integer", description, ...more };
};

function tool(name: string, description: string, properties: Params, required: string[]): Entry {
  return { name, description, inputSchema: { type: "object", properties, required } };
}

/** What a client is shown instead of all tools. */
const SEARCH_TOOLS: readonly Entry[] = [
  tool(
    "search_tools",
    "Finds tools by words that say what is to be done. Call this first: the tools themselves are not listed.",
    {
      query: text("What is to be done, in a few words"),
      limit: count("How many at most", { minimum: 1, maximum: FOUND_MAX, default: FOUND }),
    },
    ["query"],
  ),
  tool(
    "describe_tool",
    "Shows the description and input schema of a tool that search_tools found.",
    { name: text("Name of the tool") },
    ["name"],
  ),
  tool(
    "call_tool",
    "Calls a tool that search_tools found, with arguments as describe_tool shows them.",
    { name: text("Name of the tool"), arguments: { type: "object", description: "Its arguments" } },
    ["name"],
  ),
  tool(
    "call_tools",
    "Calls several tools at once that do not need each other's results.",
    {
      calls: {
        type: "array",
        minItems: 1,
        maxItems: LIMITS.callsTogether,
        items: {
          type: "object",
          properties: { name: { type: "string" }, arguments: { type: "object" } },
          required: ["name"],
        },
      },
    },
    ["calls"],
  ),
];

/** Reads on in a result that was too long. */
const READ_TOOL: Entry = tool(
  "read_result",
  "Reads a part of a result that was too long to be given at once.",
  {
    uri: text("The uri the result was given with"),
    from: count("Where to begin, in characters", { minimum: 0, default: 0 }),
    length: count("How much, in characters", { minimum: 1, maximum: READ_LENGTH }),
  },
  ["uri"],
);

/** The tools that mcpd itself adds for clients of a profile. */
export function ownTools({ mode, resultLength }: Profile): readonly Entry[] {
  const finders = mode === "search" ? SEARCH_TOOLS : [];
  return resultLength === null ? finders : [...finders, READ_TOOL];
}

export function isOwnTool(profile: Profile, name: unknown): boolean {
  return ownTools(profile).some((own) => own["name"] === name);
}

/** The call that a call of call_tool stands for, if it names one; every other is itself. */
export function meantBy(call: Call): Call {
  const { request, session } = call;
  const { params } = request;
  if (request.method !== "tools/call" || params?.["name"] !== "call_tool") return call;
  if (!isOwnTool(session.profile, "call_tool")) return call;
  const input = isObject(params["arguments"]) ? params["arguments"] : {};
  if (typeof input["name"] !== "string") return call;
  const meant = { ...params, name: input["name"], arguments: input["arguments"] ?? {} };
  return { ...call, request: { ...request, params: meant } };
}

/** What is wrong with the arguments of one of them is a failed call, which a model can mend. */
export function runOwnTool(world: World, turn: Turn, call: Call, name: string): void {
  const given = call.request.params?.["arguments"];
  const input = isObject(given) ? given : {};
  const result = run(world, call, name, input);
  answerFor(world, turn, call, isFault(result) ? failedCall(result.text) : result);
}

/** The result of a call that has failed, as a model reads it. */
export function failedCall(why: string): Params {
  return { content: [{ type: "text", text: why }], isError: true };
}

function run(world: World, call: Call, name: string, input: Params): Params | Fault {
  switch (name) {
    case "search_tools":
      return search(world, call, input);
    case "describe_tool":
      return describe(world, call, input);
    case "call_tool":
      return missing("name");
    default:
      return read(world, call, input["uri"], input["from"], input["length"]);
  }
}

function search(world: World, { session }: Call, input: Params): Params | Fault {
  const { query } = input;
  if (typeof query !== "string") return missing("query");
  const limit = wholeOr(input["limit"], FOUND, FOUND_MAX);
  const { found, total } = world.searchTools(session, query, limit);
  const tools = found.map((entry) => {
    const description = stringOr(entry["description"], "");
    const short =
      description.length > SUMMARY_LENGTH ? shortened(description, SUMMARY_LENGTH) : description;
    return { name: entry["name"], description: short };
  });
  const lines = tools.map((one) => `${String(one.name)}: ${one.description}`);
  const more = total > tools.length ? [`(${total} tools fit; these fit best)`] : [];
  const none = lines.length === 0 ? ["No tool fits. Try other words."] : [];
  return { content: [{ type: "text", text: [...lines, ...more, ...none].join("\n") }] };
}

function describe(world: World, { session }: Call, input: Params): Params | Fault {
  const { name } = input;
  if (typeof name !== "string") return missing("name");
  const entry = world.allowedTools(session).find((candidate) => candidate["name"] === name);
  if (entry === undefined) {
    return fault("tool.unknown", `There is no tool "${name}": search_tools finds names`, name);
  }
  return { content: [{ type: "text", text: JSON.stringify(entry) }] };
}

/** Answers "resources/read" for a kept result; the part may be named in the query of the URI. */
export function readKept(world: World, turn: Turn, call: Call, uri: string): void {
  const [plain = uri, query = ""] = uri.split("?", 2);
  const part = (name: string): number | undefined => {
    const found = new RegExp(`(?:^|&)${name}=(\\d{1,12})(?:&|$)`).exec(query)?.[1];
    return found === undefined ? undefined : Number(found);
  };
  const { session } = call;
  const length = wholeOr(part("length"), lengthFor(session.profile), READ_LENGTH);
  const found = world.drawer.read(plain, session.principal, part("from") ?? 0, length);
  if (isFault(found)) return refuse(turn, call, found);
  const content =
    found.kind === "binary"
      ? { uri, mimeType: found.mimeType, blob: found.data }
      : { uri, mimeType: "text/plain", text: found.text };
  answerFor(world, turn, call, { contents: [content] });
}

function read(
  world: World,
  { session }: Call,
  uri: unknown,
  from: unknown,
  length: unknown,
): Params | Fault {
  if (typeof uri !== "string") return missing("uri");
  const most = wholeOr(length, lengthFor(session.profile), READ_LENGTH);
  const start = typeof from === "number" && from > 0 ? Math.floor(from) : 0;
  const found = world.drawer.read(uri, session.principal, start, most);
  if (isFault(found)) return found;
  if (found.kind === "binary") return { content: [found.part] };
  const { next, total } = found;
  const rest = next === null ? "This is the end." : `Read on with "from": ${next}, of ${total}.`;
  const parts = [found.text, `[${rest}]`].map((part) => ({ type: "text", text: part }));
  return { content: parts };
}

function lengthFor({ resultLength }: { readonly resultLength: number | null }): number {
  return Math.min(resultLength ?? READ_LENGTH, READ_LENGTH);
}

function wholeOr(value: unknown, fallback: number, most: number): number {
  if (typeof value !== "number" || !(value >= 1)) return fallback;
  return Math.min(Math.floor(value), most);
}

function missing(name: string): Fault {
  return fault("params.invalid", `arguments.${name} is missing: expected a string`);
}
