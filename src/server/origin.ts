import { bracketed, isWildcard } from "../lib/address.ts";

const loopbackNames: readonly string[] = ["127.0.0.1", "localhost", "[::1]"];

/**
 * Which Host and Origin headers are ours.
 *
 * A page that resolved its own name to 127.0.0.1 (DNS rebinding) sends its own name as Host, so the
 * name decides. The port does not: an SSH tunnel has a port of its own at its near end. A page from
 * another port of this machine is a foreign page, so only the very origin it asks is taken for
 * granted; others need a pattern in daemon.cors.allowed_origins.
 */
export class OriginRules {
  readonly #names: ReadonlySet<string>;
  readonly #anyAddress: boolean;
  readonly #patterns: readonly RegExp[];
  /** The Host header that was allowed last: nearly every request repeats it. */
  #lastAllowed: string | null = null;

  constructor(host: string, allowedOrigins: readonly string[]) {
    this.#names = new Set([...loopbackNames, bracketed(host.toLowerCase())]);
    this.#anyAddress = isWildcard(host);
    this.#patterns = allowedOrigins.map(patternOf);
  }

  hostAllowed(host: string): boolean {
    if (host === this.#lastAllowed) return true;
    const name = host.replace(/:\d+$/, "").toLowerCase();
    // Rebinding needs a name: who writes an address means it.
    const allowed = this.#names.has(name) || (this.#anyAddress && isAddress(name));
    if (allowed) this.#lastAllowed = host;
    return allowed;
  }

  /** `host` is the Host header of the same request, already allowed. */
  originAllowed(origin: string, host: string): boolean {
    if (origin === `http://${host}`) return true;
    return this.#patterns.some((pattern) => pattern.test(origin));
  }
}

/** "*" stands for any part of a name, ":*" for any port or none, "*" alone for any origin. */
function patternOf(pattern: string): RegExp {
  if (pattern === "*") return /^https?:\/\/.+$/i;
  const [, name = pattern, port = ""] = /^(.*?)(:\*)?$/.exec(pattern.replace(/\/$/, "")) ?? [];
  const body = name.split("*").map(RegExp.escape).join("[a-z0-9.-]*");
  return new RegExp(`^${body}${port === "" ? "" : "(?::\\d+)?"}$`, "i");
}

function isAddress(name: string): boolean {
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(name) || /^\[[0-9a-f:.]+\]$/.test(name);
}
