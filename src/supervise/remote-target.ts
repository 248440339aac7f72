import { type Fault, fault } from "../core/fault.ts";
import type { Unit } from "../core/unit.ts";
import { publicAddress } from "../lib/address.ts";
import type { RemoteTarget } from "../transport/remote.ts";
import { Resolver, type Surroundings } from "./environment.ts";

/**
 * Resolves a remote unit at the moment it is connected to: `${NAME}` in its URL and headers,
 * secrets by reference. A rotated secret shows with the next connection; a fault names the first
 * one that is missing.
 */
export async function resolveRemote(
  unit: Unit,
  surroundings: Surroundings,
): Promise<RemoteTarget | Fault> {
  const { reach, upstream } = unit;
  if (reach.kind !== "remote") throw new Error(`${upstream} is not reached by a URL`);
  const outer = new Resolver(upstream, surroundings);
  const resolver = outer.with(await outer.values(reach.env ?? {}));
  const url = URL.parse(resolver.text(reach.url));
  const headers: { [name: string]: string } = {};
  for (const [name, value] of Object.entries(await resolver.values(reach.headers))) {
    if (!isHeaderValue(value)) return unusable(upstream, `the value of its header ${name}`);
    headers[name.toLowerCase()] = value;
  }
  if (resolver.problem !== null) return resolver.problem;
  const shown = publicAddress(reach.url);
  if (url === null || !/^(https?|wss?):$/.test(url.protocol)) {
    return unusable(upstream, `its url, ${shown},`);
  }
  url.protocol = url.protocol.replace(/^(http|ws)/, reach.wire === "ws" ? "ws" : "http");
  url.hash = "";
  if (url.username !== "" || url.password !== "") {
    headers["authorization"] ??= basic(url);
    url.username = "";
    url.password = "";
  }
  return { upstream, wire: reach.wire, shown, url, headers };
}

/** User and password of a URL as the header they become (RFC 7617). */
function basic({ username, password }: URL): string {
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return `Basic ${Buffer.from(pair).toString("base64")}`;
}

function isHeaderValue(value: string): boolean {
  try {
    return new Headers({ value }).has("value");
  } catch {
    return false;
  }
}

function unusable(upstream: string, what: string): Fault {
  const text = `Cannot reach upstream "${upstream}": ${what} cannot be used`;
  return fault("upstream.unreachable", text, upstream);
}
