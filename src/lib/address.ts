/** A URL as people and logs may see it: without user, password, query and fragment. */
export function publicAddress(url: string): string {
  return url.replace(/^([a-z]+:\/\/)[^/?#]*@/i, "$1").replace(/[?#].*$/s, "?...");
}

/** True for the names and numbers of this machine itself, as `URL.hostname` has them. */
export function isLoopback(hostname: string): boolean {
  return /^(localhost|.+\.localhost|127(\.\d{1,3}){3}|\[::1\])$/i.test(hostname);
}
