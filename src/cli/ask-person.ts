import { cancel, isCancel, log, multiselect, select, text } from "@clack/prompts";

import type { Elicitation, Reply } from "../control/api.ts";
import { openInBrowser } from "../platform/browser.ts";
import { here } from "./here.ts";
import { type Field, fieldsOf, type Option, problemWith, typedValue } from "./question-fields.ts";
import { colourless } from "./style.ts";
import { STDERR, writeAll } from "./terminal.ts";

/** Standard output is for the result. */
type Terminal = { readonly output: typeof process.stderr; readonly signal: AbortSignal };

const CANCEL = { action: "cancel" } as const;
const DECLINE = { value: "decline", label: "Decline" } as const;

/**
 * Asks at the terminal what a server wants to know. Ctrl-C is "cancel", as is the signal; where it
 * is the `last` one, it ends the call.
 */
export async function askPerson(
  server: string,
  asked: Elicitation,
  signal: AbortSignal,
  last: boolean,
): Promise<Reply> {
  const terminal = { output: process.stderr, signal };
  writeAll(STDERR, `\n${colourless(`"${server}" asks: ${String(asked["message"])}`)}\n`);
  const reply = asked["mode"] === "url" ? agree(asked, terminal) : fillIn(asked, terminal);
  const given = await reply;
  if (given.action === "cancel") {
    const ends = signal.aborted || last;
    const words = ends ? "The call has ended" : "Not answered; Ctrl-C again ends the call";
    cancel(words, { output: terminal.output });
  }
  return given;
}

/** Nothing is opened, or even looked at, before somebody has seen where it leads. */
async function agree({ url }: Elicitation, terminal: Terminal): Promise<Reply> {
  const address = URL.parse(String(url));
  if (address === null || !/^https?:$/.test(address.protocol)) {
    log.error(`Declined: ${colourless(String(url))} is no address of a web page`, terminal);
    return { action: "decline" };
  }
  writeAll(STDERR, `\n  ${address.href}\n\n`);
  const chosen = await select({
    ...terminal,
    message: `It leads to ${address.host}`,
    options: [
      { value: "open", label: "Open it in the browser" },
      { value: "accept", label: "Accept, and open it myself" },
      DECLINE,
    ],
  });
  if (isCancel(chosen)) return CANCEL;
  if (chosen === "decline") return { action: "decline" };
  if (chosen === "open" && !openInBrowser(here(), address, process.env["PATH"] ?? "")) {
    log.warn("There is no browser to open it with: open it yourself", terminal);
  }
  return { action: "accept" };
}

async function fillIn({ requestedSchema }: Elicitation, terminal: Terminal): Promise<Reply> {
  const fields = fieldsOf(requestedSchema);
  const label = fields.length === 0 ? "Accept" : "Answer";
  const options = [{ value: "accept", label }, DECLINE];
  const chosen = await select({ ...terminal, message: "Your answer", options });
  if (isCancel(chosen)) return CANCEL;
  if (chosen === "decline") return { action: "decline" };
  const content: { [name: string]: unknown } = {};
  for (const field of fields) {
    const value = await askField(field, terminal);
    if (isCancel(value)) return CANCEL;
    if (value !== undefined) content[field.name] = value;
  }
  return { action: "accept", content };
}

/** The value of a field, undefined to leave it out, or clack's symbol of having cancelled. */
async function askField(field: Field, terminal: Terminal): Promise<unknown> {
  const { label: message, required, schema } = field;
  const { default: initial } = schema;
  switch (field.kind) {
    case "text": {
      const typed = await text({
        ...terminal,
        message,
        placeholder: field.hint,
        initialValue: field.initial,
        validate: (words = "") => problemWith(field, typedValue(field, words)),
      });
      return isCancel(typed) ? typed : typedValue(field, typed ?? "");
    }
    case "one": {
      const none = { value: undefined, label: "(leave it out)" };
      const options: Option[] = required ? [...field.options] : [...field.options, none];
      // Whoever only presses Enter has agreed to nothing.
      const first = initial ?? (required && schema["type"] === "boolean" ? false : undefined);
      return await select<unknown>({ ...terminal, message, options, initialValue: first });
    }
    case "many":
      return await askForMany(field, field.options, terminal);
  }
}

async function askForMany(
  field: Field,
  options: readonly Option[],
  terminal: Terminal,
): Promise<unknown> {
  const { label: message, required, schema } = field;
  let initialValues: unknown[] = Array.isArray(schema["default"]) ? schema["default"] : [];
  for (;;) {
    const chosen = await multiselect<unknown>({
      ...terminal,
      message,
      options: [...options],
      initialValues,
      required: false,
    });
    if (isCancel(chosen)) return chosen;
    if (chosen.length === 0 && !required) return undefined;
    const problem = problemWith(field, chosen);
    if (problem === undefined) return chosen;
    log.error(problem, terminal);
    initialValues = chosen;
  }
}
