/** A URL as people and logs may see it: without user, password, query and fragment. */
export function publicAddress(url: string): string {
  return url.replace(/^([a-z]+:\/\/)[^/?#]*@/i, "$1").replace(/[?#].*$/s, "?...");
}

/** True for the names and numbers of this machine itself, an IPv6 one in brackets or without. */
export function isLoopback(hostname: string): boolean {
  return /^(localhost|.+\.localhost|127(\.\d{1,3}){3}|\[::1\]|::1)$/i.test(hostname);
}

/** True for addresses that stand for all of this machine: to listen on, not to go to. */
export function isWildcard(host: string): boolean {
  return /^(0\.0\.0\.0|\[::\]|::|)$/.test(host);
}

/** A host as URLs and Host headers have it: an IPv6 address in brackets. */
export function bracketed(host: string): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}

/** Where a client of this machine goes when something listens on `host`. */
export function urlHost(host: string): string {
  return isWildcard(host) ? "127.0.0.1" : bracketed(host);
}
