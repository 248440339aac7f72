// The lines that put mcpd on PATH, between markers, so that they can be taken out byte for byte.

const BEGIN = "# >>> mcpd";
const END = "# <<< mcpd <<<\n";
/** Behind the first marker: what else was changed, and has to be changed back. */
const PLAIN = " >>>\n";
const LINE_ENDED = ", behind a line that had no end >>>\n";
const OWN_FILE = ", in a file of its own >>>\n";

export type Shell = "posix" | "fish";

/** A shell's line for PATH; the home directory is left for the shell to fill in. */
export function pathLine(binDir: string, home: string, shell: Shell): string {
  const word = quotedWord(binDir, home, shell);
  if (shell === "fish") return `fish_add_path --path --move ${word}`;
  return `case ":$PATH:" in *:${word}:*) ;; *) export PATH=${word}:"$PATH" ;; esac`;
}

/** The text with our lines at its end; as it is when it has them. Null: there was no file. */
export function withLines(text: string | null, line: string): string {
  const block = (head: string): string => `${BEGIN}${head}${line}\n${END}`;
  if (text === null) return block(OWN_FILE);
  const bare = withoutLines(text);
  if (bare === null) return block(OWN_FILE);
  if (bare !== text && text.includes(`\n${line}\n${END}`)) return text;
  if (bare === "" || bare.endsWith("\n")) return `${bare}${block(PLAIN)}`;
  return `${bare}\n${block(LINE_ENDED)}`;
}

/** The text as it was before; null when the file was made for our lines and holds nothing else. */
export function withoutLines(text: string): string | null {
  let rest = text;
  let ownFile = false;
  for (;;) {
    const begin = lineStart(rest, BEGIN);
    const end = begin < 0 ? -1 : rest.indexOf(END, begin);
    if (end < 0) break;
    const head = rest.slice(begin + BEGIN.length);
    ownFile ||= head.startsWith(OWN_FILE);
    const cut = head.startsWith(LINE_ENDED) ? begin - 1 : begin;
    rest = rest.slice(0, cut) + rest.slice(end + END.length);
  }
  return ownFile && rest === "" ? null : rest;
}

/** PATH of Windows with a directory in front; as it is when it has it. */
export function withDirectory(path: string, directory: string): string {
  if (entriesOf(path).some((entry) => sameEntry(entry, directory))) return path;
  return path === "" ? directory : `${directory};${path}`;
}

export function withoutDirectory(path: string, directory: string): string {
  if (path === directory) return "";
  const kept = path.split(";").filter((entry) => !sameEntry(entry, directory));
  return kept.join(";");
}

function entriesOf(path: string): readonly string[] {
  return path.split(";").filter((entry) => entry !== "");
}

function sameEntry(one: string, other: string): boolean {
  const plain = (entry: string): string => entry.replace(/[\\/]+$/, "").toLowerCase();
  return plain(one) === plain(other);
}

function quotedWord(binDir: string, home: string, shell: Shell): string {
  const inHome = home !== "/" && binDir.startsWith(`${home}/`);
  const rest = inHome ? binDir.slice(home.length) : binDir;
  // In fish a backtick means nothing, and a backslash before it would stay.
  const special = shell === "fish" ? /["\\$]/g : /["\\$`]/g;
  return `"${inHome ? "$HOME" : ""}${rest.replaceAll(special, "\\$&")}"`;
}

function lineStart(text: string, words: string): number {
  if (text.startsWith(words)) return 0;
  const at = text.indexOf(`\n${words}`);
  return at < 0 ? -1 : at + 1;
}
