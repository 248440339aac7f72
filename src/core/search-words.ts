/** How words of people and of tool descriptions are made comparable. All of it is English. */

/** Words in lower case, without endings; names like `getFileInfo`, `get_file_info` taken apart. */
export function wordsOf(text: string): readonly string[] {
  return text
    .replaceAll(/([\p{Ll}\d])(\p{Lu})/gu, "$1 $2")
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== "" && !COMMON.has(word))
    .map(stem);
}

/** Words that say nothing about a tool. */
const COMMON: ReadonlySet<string> = new Set(
  (
    "a all am an and any are as at be been but by can could did do does for from had has have her " +
    "his how i if in into is it its just let ll me my now of on or our out please s she should so " +
    "some than that the their them then there these they this those to t us want was we were what " +
    "when which who whom whose why will with would you your"
  ).split(" "),
);

/** Cuts the endings that make one English word look like two: files, filed, filing. */
export function stem(word: string): string {
  const one = singular(word);
  if (one.length > 6 && /[ts]ions?$/.test(one)) return one.slice(0, -3);
  if (one.length > 5 && one.endsWith("ing")) return undoubled(one.slice(0, -3));
  if (one.length > 4 && one.endsWith("ed")) return undoubled(one.slice(0, -2));
  return one.length > 3 && one.endsWith("e") ? one.slice(0, -1) : one;
}

function singular(word: string): string {
  if (word.length > 4 && word.endsWith("ies")) return `${word.slice(0, -3)}y`;
  if (word.length > 4 && /(s|x|z|ch|sh)es$/.test(word)) return word.slice(0, -2);
  if (word.length > 3 && word.endsWith("s") && !/[su]s$/.test(word)) return word.slice(0, -1);
  return word;
}

function undoubled(root: string): string {
  return root.replace(/([^aeiouls])\1$/, "$1");
}

/**
 * Words that tools and people use for each other: verbs that nearly every server has, and a few
 * everyday names of common things, in any of their forms. Nothing here is about one product.
 */
const ALIKE: readonly string[] = [
  "create make add new insert write generate draw",
  "delete remove erase wipe drop clear discard trash forget",
  "get read fetched show retrieve return view display see load look",
  "list show enumerate which",
  "update edit change modify set alter replace correct adjust",
  "search find look query lookup locate where",
  "send post deliver mail tell",
  "start run launch begin trigger execute invoke call",
  "stop end cancel abort kill terminate halt quit close",
  "restart reboot reload rerun",
  "copy duplicate clone",
  "move rename transfer reschedule",
  "download fetched save pull export",
  "upload push put import send",
  "save store keep remember write",
  "join merge combine concat",
  "undo revert restore rollback reset",
  "enable on activate switch turn",
  "disable off deactivate",
  "mute silence snooze",
  "approve accept confirm",
  "decline reject deny refuse",
  "reply answer respond",
  "book schedule plan reserve",
  "assign responsible owner",
  "tell say inform notify announce",
  "shrink smaller resize reduce",
  "picture image photo",
  "folder directory",
  "mail email",
  "meeting event appointment calendar",
  "person people user member colleague employee contact",
  "customer client",
  "cost price spend expense bill",
  "money fund payment amount",
  "song track music",
  "movie video clip",
  "error exception bug crash failure",
  "log output",
  "issue ticket bug",
  "document doc page article",
  "website site web page",
  "chart graph plot",
  "row line record",
  "lamp light",
  "password credential login secret",
  "file path",
  "version release",
  "package parcel shipment",
  "vacation holiday leave absence",
  "today current now",
  "database db sql",
  "repository repo",
  "spreadsheet sheet excel table",
];

/** For the stem of each word above, those of the words that may stand for it. */
export const SYNONYMS: ReadonlyMap<string, ReadonlySet<string>> = synonyms();

function synonyms(): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const line of ALIKE) {
    const stems = line.split(" ").map(stem);
    for (const one of stems) found.set(one, new Set([...(found.get(one) ?? []), ...stems]));
  }
  return found;
}
