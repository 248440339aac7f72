import type { Reach } from "../core/unit.ts";
import { publicAddress } from "../lib/address.ts";
import { maskWords } from "../lib/secret.ts";

/** How an upstream is reached, for people: secrets that its words hold are blanked. */
export function shownReach(reach: Reach): string {
  switch (reach.kind) {
    case "stdio":
      return [reach.command, ...maskWords(reach.args)].join(" ");
    case "remote":
      return publicAddress(reach.url);
    case "builtin":
      return "built in";
  }
}
