// What is asked of one upstream on behalf of somebody at the control door: calls of tools,
// resources, prompts and what their arguments may be.

import type { CallResult, ControlApi, PromptResult, ReadResult } from "../control/api.ts";
import type { ControlContext, ControlHandlers } from "../control/host.ts";
import { type Fault, fault, FaultError, FAULTS } from "../core/fault.ts";
import type { Entry } from "../core/listing.ts";
import { faultOf, type Outcome, type Params, type RpcError } from "../core/message.ts";
import { split } from "../core/name.ts";
import { didYouMean } from "../core/spelling.ts";
import type { Switchboard } from "../core/switchboard.ts";
import { elicitationsIn } from "../core/url-elicitation.ts";
import { formatDuration } from "../lib/text.ts";
import type { Insider, Place } from "./insider.ts";

type Aim = Pick<
  ControlApi["mcpd/call"]["params"],
  "upstream" | "project" | "timeoutMs" | "answers"
>;

type Aimed = "mcpd/call" | "mcpd/read" | "mcpd/prompt" | "mcpd/suggest";

export function aimedHandlers(
  switchboard: Switchboard,
  insider: Insider,
): Pick<ControlHandlers, Aimed> {
  const request = (
    aim: Aim,
    what: string,
    sent: Sent,
    context: ControlContext,
  ): Promise<Outcome> => {
    expectUpstream(switchboard, aim.upstream);
    return bounded(insider, aim, what, sent, context);
  };
  return {
    async "mcpd/call"(call, context) {
      const { upstream, tool } = call;
      expectUpstream(switchboard, upstream);
      const schema = await schemaOf(switchboard, insider, call);
      // Not with the daemon's start: only calls at this door need it.
      const { checkInput, textsWhereWanted } = await import("../control/tool-input.ts");
      const input = textsWhereWanted(schema, call.arguments, call.texts);
      const problem = checkInput(tool, schema, input);
      if (problem !== null) return problem;
      const params = { name: tool, arguments: input };
      const outcome = await request(call, `Tool "${tool}"`, ["tools/call", params], context);
      expectTool(switchboard, upstream, tool, outcome);
      return expectResult(outcome) as CallResult;
    },
    async "mcpd/read"(aim, context) {
      const { uri } = aim;
      const outcome = await request(aim, `Resource ${uri}`, ["resources/read", { uri }], context);
      return expectResult(outcome) as ReadResult;
    },
    async "mcpd/prompt"(aim, context) {
      const params = { name: aim.prompt, arguments: aim.arguments };
      const outcome = await request(
        aim,
        `Prompt "${aim.prompt}"`,
        ["prompts/get", params],
        context,
      );
      return expectResult(outcome) as PromptResult;
    },
    async "mcpd/suggest"(aim, context) {
      const { of, argument, value, others } = aim;
      const ref =
        "prompt" in of
          ? { type: "ref/prompt", name: of.prompt }
          : { type: "ref/resource", uri: of.resource };
      const params = {
        ref,
        argument: { name: argument, value },
        ...(others === undefined ? {} : { context: { arguments: others } }),
      };
      const what = `The completion of "${argument}"`;
      const outcome = await request(aim, what, ["completion/complete", params], context);
      return suggestions(expectResult(outcome));
    },
  };
}

type Sent = readonly [method: string, params: Params];

/** Sends one request of somebody at the control door; the fault says that its time is up. */
async function bounded(
  insider: Insider,
  { upstream, project, timeoutMs, answers = false }: Aim,
  what: string,
  [method, params]: Sent,
  context: ControlContext,
): Promise<Outcome> {
  const limit = timeoutMs === undefined ? null : AbortSignal.timeout(timeoutMs);
  const { signal } = context;
  const outcome = await insider.request(placeOf(upstream, project), method, params, {
    signal: limit === null ? signal : AbortSignal.any([signal, limit]),
    onQuestion: answers ? context.ask : undefined,
    onProgress: (progress) =>
      context.progress({
        progress: Number(progress["progress"]),
        total: typeof progress["total"] === "number" ? progress["total"] : null,
        message: typeof progress["message"] === "string" ? progress["message"] : null,
      }),
  });
  if (!outcome.ok && limit?.aborted === true && !signal.aborted) {
    const text = `${what} timed out: it has not answered within ${formatDuration(timeoutMs ?? 0)}`;
    throw new FaultError(fault("exchange.timed-out", text, upstream));
  }
  return outcome;
}

function placeOf(upstream: string | undefined, project: string | null = null): Place {
  if (upstream === undefined) return { view: { kind: "all" }, project };
  return { view: { kind: "one", upstream }, project };
}

/** The schema of a tool's arguments; undefined where no list has the tool. */
async function schemaOf(
  switchboard: Switchboard,
  insider: Insider,
  { upstream, tool, project }: ControlApi["mcpd/call"]["params"],
): Promise<unknown> {
  const look = (): Entry | undefined => {
    if (upstream !== undefined) return ownTool(switchboard, upstream, tool);
    const { entries } = insider.known(project ?? null, "tools").list;
    const shown = entries.find((entry) => entry["name"] === tool);
    const parts = shown === undefined ? split(tool) : null;
    return parts === null ? shown : ownTool(switchboard, parts.upstream, parts.name);
  };
  const known = look();
  if (known !== undefined) return known["inputSchema"];
  if (upstream !== undefined && toolsOf(switchboard, upstream).length > 0) return undefined;
  // Nobody has asked yet. That there is no such tool, or no list, the call itself will say.
  await insider.request(placeOf(upstream, project), "tools/list", {});
  return look()?.["inputSchema"];
}

function toolsOf(switchboard: Switchboard, upstream: string): readonly Entry[] {
  return switchboard.instances.flatMap(({ name, listings }) =>
    name === upstream ? (listings.get("tools")?.entries ?? []) : [],
  );
}

function ownTool(switchboard: Switchboard, upstream: string, tool: string): Entry | undefined {
  return toolsOf(switchboard, upstream).find((entry) => entry["name"] === tool);
}

/** Upstreams say in many ways that they have no such tool: what they list decides. */
function expectTool(
  switchboard: Switchboard,
  upstream: string | undefined,
  tool: string,
  outcome: Outcome,
): void {
  if (upstream === undefined || !mayBeUnknown(outcome)) return;
  const names = toolsOf(switchboard, upstream).map((entry) => String(entry["name"]));
  if (names.length === 0 || names.includes(tool)) return;
  const text = `Upstream "${upstream}" has no tool "${tool}"${didYouMean(tool, names)}`;
  throw new FaultError(fault("tool.unknown", text, tool));
}

/** An error of the upstream's own, or a result of it that says so in words. */
function mayBeUnknown(outcome: Outcome): boolean {
  if (!outcome.ok) return faultOf(outcome.error) === null;
  const { isError } = outcome.result.value as CallResult;
  return isError === true && /unknown|not found/i.test(outcome.result.text);
}

/** Throws the fault of an upstream that the config does not have. */
export function expectUpstream(switchboard: Switchboard, upstream: string | undefined): void {
  if (upstream === undefined) return;
  const names = switchboard.upstreams.map((candidate) => candidate.name);
  if (names.includes(upstream)) return;
  const help = didYouMean(upstream, names) || `. The config has ${names.join(", ")}`;
  const text = `There is no upstream "${upstream}"${help}`;
  throw new FaultError(fault("upstream.unknown", text, upstream));
}

function suggestions(result: unknown): ControlApi["mcpd/suggest"]["result"] {
  const { completion } = result as { readonly completion?: Params };
  const values = completion?.["values"];
  return {
    values: Array.isArray(values) ? values.map(String) : [],
    total: typeof completion?.["total"] === "number" ? completion["total"] : null,
    hasMore: completion?.["hasMore"] === true,
  };
}

function expectResult(outcome: Outcome): unknown {
  if (outcome.ok) return outcome.result.value;
  throw new FaultError(problemOf(outcome.error));
}

/** The fault of an answer: ours, or the error of an upstream. */
export function problemOf(error: RpcError): Fault {
  return faultOf(error) ?? refused(error);
}

function refused(error: RpcError): Fault {
  const { code, message, data } = error;
  // What a modern server says when it would have to ask.
  if (code === FAULTS["client.incapable"].rpc) return fault("question.nobody", message);
  const details = data === undefined ? {} : { details: data };
  const urls = elicitationsIn(error).map(({ url }) => ` Open ${String(url)} and call again.`);
  const text = `${message} (JSON-RPC error ${code})${urls.length > 0 ? "." : ""}${urls.join("")}`;
  return fault("upstream.refused", text, "", { code, ...details });
}
