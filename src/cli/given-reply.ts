import type { Elicitation, Reply } from "../control/api.ts";
import { problemsIn, textsWhereWanted } from "../control/tool-input.ts";
import type { ToolInput } from "./call-arguments.ts";
import { usage } from "./parse.ts";
import { fieldsOf } from "./question-fields.ts";

/** One --answer. */
export type Given =
  | { readonly action: "decline" | "cancel" }
  | { readonly action: "accept"; readonly input: ToolInput };

/** The reply to a question from the command line. Throws the fault of one that does not fit. */
export function givenReply(server: string, asked: Elicitation, given: Given): Reply {
  if (given.action !== "accept") return given;
  const { arguments: values, texts } = given.input;
  const { message, mode, url, requestedSchema: schema } = asked;
  if (mode === "url") {
    if (Object.keys(values).length === 0) return { action: "accept" };
    const text = `"${server}" wants ${String(url)} opened, and no values: --answer '{}' agrees to it`;
    throw usage(text, "call");
  }
  const defaults = fieldsOf(schema).flatMap(({ name, schema: { default: value } }) =>
    value === undefined ? [] : [[name, value] as const],
  );
  const content = {
    ...Object.fromEntries(defaults),
    ...textsWhereWanted(schema, values, texts),
  };
  const closed = { ...(schema as object), additionalProperties: false };
  const problems = problemsIn(closed, content);
  if (problems.length === 0) return { action: "accept", content };
  throw usage(`--answer does not fit "${String(message)}": ${problems.join("; ")}`, "call");
}
