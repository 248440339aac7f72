import type { Reach } from "../core/unit.ts";
import { publicAddress } from "../lib/address.ts";

const SECRET_NAME = /token|secret|passw(or)?d|api[_-]?key|authorization|credential/i;
/** Names that end so hold a place where the secret is, not the secret. */
const REFERENCE_NAME = /[_-](env|file|path|url|uri|dir)$/i;
const SECRET_LENGTH_MIN = 8;

/** True for a key that, by its name, holds a secret: GITHUB_TOKEN, Authorization. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name) && !REFERENCE_NAME.test(name);
}

/** True when a literal under that key looks like the secret itself (MISSION A13). */
export function isLiteralSecret(name: string, literal: string): boolean {
  if (!isSecretName(name) || literal.includes("${")) return false;
  return literal.length >= SECRET_LENGTH_MIN && !/^\d+$/.test(literal);
}

/** --api-key=VALUE, GITHUB_TOKEN=VALUE or "Authorization: VALUE" as one word. */
const ASSIGNMENT = /^(-*([\w-]+)\s*[=:]\s*)(.+)$/s;
const FLAG = /^--?([\w-]+)$/;
const URL_USER = /(?<=[a-z][a-z0-9+.-]*:\/\/)[^\s/?#@"]+(?=@)/gi;
const URL_PARAMETER = /(?<=[?&]([\w.-]+)=)[^&#\s"]+/g;

/** What becomes of a secret where people look. */
type Blank = (secret: string) => string;
const asMask: Blank = () => "***";
const asWide: Blank = (secret) => "*".repeat(secret.length);

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

/** Arguments with the values blanked that stand behind a name which speaks of a secret. */
export function maskWords(words: readonly string[]): readonly string[] {
  return words.map((word, index) => {
    const [, flag = ""] = FLAG.exec(words[index - 1] ?? "") ?? [];
    return word.startsWith("-") ? maskWord(word) : maskValue(flag, maskWord(word), asMask);
  });
}

/** One text by itself: NAME=VALUE of a secret, and what a URL says of its user and of keys. */
export function maskWord(word: string): string {
  return maskUrls(maskAssignment(word, asMask), asMask);
}

/** Text of the file with its secrets blanked, as wide as before. */
export function maskText(text: string): string {
  const masked = text
    // "API_KEY": "..."
    .replaceAll(/"([^"]*)"(\s*:?\s*)"((?:[^"\\]|\\.)*)/g, (whole, key, between, inner) =>
      isSecretName(String(key)) ? `"${key}"${between}"${asWide(String(inner))}` : whole,
    )
    // "--api-key", "..."
    .replaceAll(/(?<="--?([\w-]+)"\s*,\s*")(?!-)(?:[^"\\]|\\.)+/g, (inner, flag) =>
      maskValue(String(flag), inner, asWide),
    )
    // "--api-key=..."
    .replaceAll(/(?<=")(?:[^"\\\n]|\\.)+(?=")/g, (inner) => maskAssignment(inner, asWide))
    // "url": "...?...", "urls": ["...?..."]
    .replaceAll(/(?<="url"\s*:\s*"[^"?]*\?)[^"]+/g, asWide)
    .replaceAll(/(?<="urls"\s*:\s*\[[^\]]*"[^"?\]]*\?)[^"]+/g, asWide);
  return maskUrls(masked, asWide);
}

function maskAssignment(word: string, blank: Blank): string {
  const [, head = "", name = "", literal = ""] = ASSIGNMENT.exec(word) ?? [];
  return isSecretName(name) ? head + maskValue(name, literal, blank) : word;
}

function maskUrls(text: string, blank: Blank): string {
  return text
    .replaceAll(URL_USER, (user) => (user.includes("${") ? user : blank(user)))
    .replaceAll(URL_PARAMETER, (literal, name) => maskValue(String(name), literal, blank));
}

/** References and plain numbers (--max-tokens 4096) are shown. */
function maskValue(name: string, literal: string, blank: Blank): string {
  const harmless = literal.includes("${") || /^\d+$/.test(literal);
  return isSecretName(name) && !harmless ? blank(literal) : literal;
}
