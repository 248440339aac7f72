import { isObject, META, MODERN_REVISION } from "./envelope.ts";
import { LEGACY_REVISIONS } from "./era.ts";
import { type Fault, fault } from "./fault.ts";
import { type Outcome, type Params, type RpcError, stringOr } from "./message.ts";

/** What an upstream said about itself when the conversation began. */
export type Introduction = {
  readonly protocolVersion: string;
  readonly server: { readonly name: string; readonly version: string };
  /** What a legacy client may be told: capabilities, serverInfo, instructions, unknown members. */
  readonly result: Params;
  readonly capabilities: { readonly [name: string]: unknown };
  readonly instructions: string | null;
};

/** Reads the answer to `initialize` of a legacy upstream. */
export function readIntroduction(name: string, outcome: Outcome): Introduction | Fault {
  if (!outcome.ok) return broken(name, `refused 'initialize': ${outcome.error.message}`);
  const result = outcome.result.value;
  if (!isObject(result)) return broken(name, "answered 'initialize' with no object");
  const version = result["protocolVersion"];
  if (typeof version !== "string" || !LEGACY_REVISIONS.includes(version)) {
    return broken(name, `speaks protocol ${JSON.stringify(version)}, which mcpd does not`);
  }
  return introductionOf(name, version, result);
}

/** Errors that only a server of the modern era has (2026-07-28, basic). */
const MODERN_ERRORS: ReadonlySet<number> = new Set([-32020, -32021, -32022]);

/** Reads the answer to `server/discover`; a fault when the upstream is not of the modern era. */
export function readDiscovery(name: string, outcome: Outcome): Introduction | Fault {
  if (!outcome.ok && refusesAsModern(outcome.error)) return assumedIntroduction(name);
  if (!outcome.ok) return broken(name, `refused 'server/discover': ${outcome.error.message}`);
  const result = outcome.result.value;
  const versions = isObject(result) ? result["supportedVersions"] : undefined;
  if (!isObject(result) || !Array.isArray(versions) || !versions.includes(MODERN_REVISION)) {
    return broken(name, `does not speak ${MODERN_REVISION}`);
  }
  const { capabilities, instructions, _meta } = result;
  const serverInfo = isObject(_meta) ? _meta[META.server] : undefined;
  const about = { capabilities, ...(instructions === undefined ? {} : { instructions }) };
  return introductionOf(name, MODERN_REVISION, { ...about, serverInfo });
}

/** Whether an error says that this era is understood, though not this request. */
function refusesAsModern({ code, data }: RpcError): boolean {
  const supported = isObject(data) ? data["supported"] : undefined;
  const known = !Array.isArray(supported) || supported.includes(MODERN_REVISION);
  return MODERN_ERRORS.has(code) && known;
}

/** For an upstream that is known to be modern but does not answer discovery. */
export function assumedIntroduction(name: string): Introduction {
  const capabilities = { tools: {}, prompts: {}, resources: {}, completions: {} };
  return introductionOf(name, MODERN_REVISION, { capabilities });
}

function introductionOf(name: string, protocolVersion: string, result: Params): Introduction {
  const info = isObject(result["serverInfo"]) ? result["serverInfo"] : {};
  const { capabilities, instructions } = result;
  return {
    protocolVersion,
    server: { name: stringOr(info["name"], name), version: stringOr(info["version"], "") },
    result: { ...result, serverInfo: { version: "", ...info, name: info["name"] ?? name } },
    capabilities: isObject(capabilities) ? capabilities : {},
    instructions: typeof instructions === "string" && instructions !== "" ? instructions : null,
  };
}

function broken(name: string, text: string): Fault {
  return fault("upstream.broken-answer", `Upstream "${name}" ${text}`, name);
}
