import { reasonOf } from "../lib/files.ts";
import type { Environment, KeychainAnswer } from "./platform.ts";
import { saidBy, systemTool, type ToolResult, type ToolRunner } from "./run.ts";

/** A keychain that is locked asks the user, who may not be there. */
const ANSWER_MS = 30_000;
const TIMED_OUT = 124;

const SECURITY = "/usr/bin/security";
/** errSecItemNotFound as `security` exits with it. */
const NOT_FOUND = 44;

/**
 * The login keychain, by `security add-generic-password -s SERVICE -a ACCOUNT -w`. The tool of the
 * system reads what it wrote without a question; mcpd itself would ask after each upgrade.
 */
export async function darwinKeychain(
  service: string,
  account: string,
  ending?: AbortSignal,
  run: ToolRunner = systemTool,
): Promise<KeychainAnswer> {
  const argv = [SECURITY, "find-generic-password", "-s", service, "-a", account, "-g"];
  const result = await run(argv, { timeoutMs: ANSWER_MS, ending });
  if (result.code === NOT_FOUND) return { kind: "missing" };
  // With -w a secret that is not ASCII is hexadecimal, too, but does not say so.
  const [, hex, text] = /^password: (?:0x([0-9A-F]+)\b|"(.*)"$)/m.exec(result.stderr) ?? [];
  if (result.code !== 0 || (hex ?? text) === undefined) return unusable(result);
  const value = hex === undefined ? (text ?? "") : Buffer.from(hex, "hex").toString("utf8");
  return { kind: "value", value };
}

/** The secret service, by `secret-tool store --label=LABEL service SERVICE account ACCOUNT`. */
export async function linuxKeychain(
  service: string,
  account: string,
  options: { readonly environment: Environment; readonly ending?: AbortSignal | undefined },
  run: ToolRunner = systemTool,
): Promise<KeychainAnswer> {
  const tool = Bun.which("secret-tool", { PATH: options.environment["PATH"] ?? "" });
  if (tool === null) {
    return { kind: "unusable", why: "secret-tool, of libsecret-tools, is not installed" };
  }
  const argv = [tool, "lookup", "service", service, "account", account];
  const result = await run(argv, { ...options, timeoutMs: ANSWER_MS });
  if (result.code === 0) return { kind: "value", value: result.stdout };
  return result.code === 1 && result.stderr.trim() === "" ? { kind: "missing" } : unusable(result);
}

/** The Credential Manager, by `cmdkey /generic:SERVICE/ACCOUNT /user:ACCOUNT /pass`. */
export async function windowsKeychain(service: string, account: string): Promise<KeychainAnswer> {
  try {
    const value = await Bun.secrets.get({ service, name: account });
    if (value === null) return { kind: "missing" };
    // cmdkey writes UTF-16.
    return { kind: "value", value: value.replaceAll("\0", "") };
  } catch (error) {
    return { kind: "unusable", why: reasonOf(error) };
  }
}

function unusable(result: ToolResult): KeychainAnswer {
  const late = "it did not answer, perhaps because it is locked";
  return { kind: "unusable", why: result.code === TIMED_OUT ? late : saidBy(result) };
}
