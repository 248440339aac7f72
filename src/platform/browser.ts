import type { Platform } from "./platform.ts";

const OPENERS: { readonly [name in Platform["name"]]: readonly string[] } = {
  // Not "start": the shell would take "&" in an address for the end of a command.
  windows: ["rundll32.exe", "url.dll,FileProtocolHandler"],
  darwin: ["/usr/bin/open"],
  linux: ["xdg-open"],
};

/** A runtime that leaves no orphans would end the browser with us: it is the child of nobody. */
const ORPHAN = ["/bin/sh", "-c", '"$@" &', "sh"];

/**
 * Shows an address in the user's browser; false when that cannot even be tried. `path` is where the
 * opener is looked for.
 */
export function openInBrowser(platform: Platform, url: URL, path: string): boolean {
  // Only an address may come to the opener: it opens files and programs too.
  if (url.protocol !== "https:" && url.protocol !== "http:") return false;
  const [program = "", ...words] = OPENERS[platform.name];
  const opener = platform.which(program, path);
  if (opener === null) return false;
  const windows = platform.name === "windows";
  const command = [...(windows ? [] : ORPHAN), opener, ...words, url.href];
  // In a session of its own, which Ctrl-C does not reach.
  Bun.spawnSync(command, { stdio: ["ignore", "ignore", "ignore"], detached: !windows });
  return true;
}
