// What looks like a secret, for those who move secrets and those who hide them.

/** Names that speak of a secret whatever stands behind them. */
const NAME = new RegExp(
  [
    "token|secret|passw(or)?d|passphrase|authorization|credential|cookie|bearer|jwt",
    "(api|access|private|sign(ing)?|encryption|subscription|functions?)[_-]?key",
  ].join("|"),
  "i",
);
/** Names that may speak of one: it depends on what stands behind them. */
const VAGUE_NAME = /(^|[_.-])(key|auth|pat|pass|pwd|sig|signature)$/i;
/** Names that end so hold a place where the secret is or what is known of it, not the secret. */
const REFERENCE_NAME = /[_-](env|file|path|url|uri|dir|name|header|type|length|limit)$/i;
/** What people choose and type: short, or of digits only, it is a secret all the same. */
const PASSWORD_NAME = /passw(or)?d$|passphrase$/i;
const LENGTH_MIN = 8;
const PLAIN = /^(true|false|yes|no|on|off|none|null)?$/i;

/** Tokens that give themselves away, whatever they are called. */
const TOKEN = new RegExp(
  [
    "\\b(?:gh[pousr]_\\w{20,}|github_pat_\\w{20,}|glpat-[\\w-]{16,}|sk-[\\w-]{16,}",
    "xox[abeprs]-[\\w-]{10,}|AKIA[0-9A-Z]{16}|AIza[\\w-]{30,}|npm_\\w{30,}|hf_\\w{20,})",
  ].join("|"),
  "g",
);
const SCHEME = /^(?:Bearer|Basic|token) +/i;
/** --api-key=VALUE, GITHUB_TOKEN=VALUE or "Authorization: VALUE" as one word. */
const ASSIGNMENT = /^(-*([A-Za-z][\w.-]*)\s*[=:]\s*)(.+)$/s;
const FLAG = /^--?([A-Za-z][\w-]*)$/;
const URL_USER = /(?<=[a-z][a-z0-9+.-]*:\/\/)[^\s/?#@"]+(?=@)/gi;
const URL_PARAMETER = /(?<=[?&]([\w.-]+)=)[^&#\s"]+/g;
/** "Authorization": "Bearer VALUE" in a text of JSON that is itself a value. */
const PAIR = /(?<=\\?"([\w.-]+)\\?"\s*:\s*\\?"(?:(?:Bearer|Basic|token) +)?)[^"\\\n]+/gi;
/** A text of JSON, perhaps without its end, and what stands behind it. */
const QUOTED = /"((?:[^"\\\n]|\\.)*)("?)(?=(\s*[:,"]?))/g;

/** A piece of a text, and the name under which it is a secret. */
export type Spot = { readonly name: string; readonly start: number; readonly end: number };

/** Whether a literal under that name is a secret. */
type Judge = (name: string, literal: string) => boolean;

/** True for a key that, by its name, holds a secret: GITHUB_TOKEN, Authorization. */
export function isSecretName(name: string): boolean {
  return NAME.test(name) && !REFERENCE_NAME.test(name);
}

/** True when a literal under that key looks like the secret itself (MISSION A13). */
export function isLiteralSecret(name: string, literal: string): boolean {
  if (PASSWORD_NAME.test(name)) return !literal.includes("${") && !PLAIN.test(literal);
  return literal.length >= LENGTH_MIN && isHidden(name, literal);
}

/** True for what people do not need to see: when in doubt, more than what is a secret. */
function isHidden(name: string, literal: string): boolean {
  // References and plain numbers (--max-tokens 4096) are shown.
  if (literal === "" || literal.includes("${") || /^\d+$/.test(literal)) return false;
  return isSecretName(name) || (VAGUE_NAME.test(name) && isRandom(literal));
}

/** Neither a path nor a word that somebody made up. */
function isRandom(literal: string): boolean {
  return (
    literal.length >= LENGTH_MIN && /^(?![~./]|[A-Za-z]:)(?=.*\d)(?=.*[A-Za-z])\S+$/.test(literal)
  );
}

/** The secrets of a text that stands under a name: a variable, a header, a flag; "" for none. */
export function secretsIn(
  text: string,
  name = "",
  judge: Judge = isLiteralSecret,
): readonly Spot[] {
  const scheme = SCHEME.exec(text)?.[0].length ?? 0;
  if (judge(name, text.slice(scheme))) return [{ name, start: scheme, end: text.length }];
  const [, head = "", own = "", value = ""] = ASSIGNMENT.exec(text) ?? [];
  const start = head.length + (SCHEME.exec(value)?.[0].length ?? 0);
  if (judge(own, text.slice(start))) return [{ name: own, start, end: text.length }];
  return spotsAnywhere(text, judge);
}

/** The name that the word before it gives to an argument: "api-key" of --api-key. */
export function flagOf(before: string | undefined, word: string): string {
  return word.startsWith("-") ? "" : (FLAG.exec(before ?? "")?.[1] ?? "");
}

/** A text with something in the place of each of these pieces. */
export function replaceSpots(
  text: string,
  spots: readonly Spot[],
  put: (secret: string, spot: Spot) => string,
): string {
  let result = "";
  let done = 0;
  for (const spot of [...spots].sort((a, b) => a.start - b.start)) {
    result += text.slice(done, spot.start) + put(text.slice(spot.start, spot.end), spot);
    done = spot.end;
  }
  return result + text.slice(done);
}

/** Arguments with their secrets blanked. */
export function maskWords(words: readonly string[]): readonly string[] {
  return words.map((word, at) => mask(word, flagOf(words[at - 1], word)));
}

/** One text by itself: NAME=VALUE of a secret, what a URL says of its user and of keys, tokens. */
export function maskWord(word: string): string {
  return mask(word, "");
}

function mask(word: string, name: string): string {
  return replaceSpots(word, secretsIn(word, name, isHidden), () => "***");
}

/** Text of a file with its secrets blanked, as wide as before. */
export function maskText(text: string): string {
  let before = { text: "", mark: "" };
  const masked = text
    .replaceAll(QUOTED, (_whole, inner: string, close: string, behind: string) => {
      // The colon may have been forgotten.
      const isNamed = before.mark === ":" || before.mark === '"';
      const name = isNamed ? before.text : flagOf(before.text, inner);
      const mark = behind.trim();
      // A key is no secret, whatever it is called.
      const spots = mark === ":" ? [] : secretsIn(inner, name, isHidden);
      before = { text: inner, mark };
      return `"${replaceSpots(inner, spots, asWide)}${close}`;
    })
    // "url": "...?...", "urls": ["...?..."]
    .replaceAll(/(?<="url"\s*:\s*"[^"?]*\?)[^"]+/g, asWide)
    .replaceAll(/(?<="urls"\s*:\s*\[[^\]]*"[^"?\]]*\?)[^"]+/g, asWide);
  return replaceSpots(masked, spotsAnywhere(masked, isHidden), asWide);
}

function asWide(secret: string): string {
  return "*".repeat(secret.length);
}

/** Those that need no name in front of the text. */
function spotsAnywhere(text: string, judge: Judge): readonly Spot[] {
  const found: Spot[] = [];
  const add = (name: string, { 0: piece, index }: RegExpExecArray): void => {
    const end = index + piece.length;
    if (found.every((other) => end <= other.start || other.end <= index)) {
      found.push({ name, start: index, end });
    }
  };
  for (const match of text.matchAll(URL_USER)) {
    // ssh://git@host has a name there that everybody knows.
    if (!match[0].includes("${") && (match[0].includes(":") || isRandom(match[0]))) {
      add("login", match);
    }
  }
  for (const pattern of [URL_PARAMETER, PAIR]) {
    for (const match of text.matchAll(pattern)) {
      if (judge(match[1] ?? "", match[0])) add(match[1] ?? "", match);
    }
  }
  for (const match of text.matchAll(TOKEN)) add("token", match);
  return found;
}
