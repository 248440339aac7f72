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

/** One line of the file with the texts behind secret names blanked, as wide as before. */
export function maskLine(line: string): string {
  return line.replaceAll(/"([^"]*)"(\s*:?\s*)"((?:[^"\\]|\\.)*)/g, (whole, key, between, text) =>
    isSecretName(String(key)) ? `"${key}"${between}"${"*".repeat(String(text).length)}` : whole,
  );
}
