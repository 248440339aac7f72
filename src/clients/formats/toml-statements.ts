/** One header or pair of a TOML text: whole lines, with the comment behind it. */
export type Statement = {
  /** The full path of what it defines: table.key or table. */
  readonly path: readonly string[];
  /** Offset of its first line. */
  readonly start: number;
  /** Offset behind its last line break. */
  readonly end: number;
};

/** The statements of a valid text in order; null when it cannot be followed. */
export function statementsOf(text: string): readonly Statement[] | null {
  const reader = new Reader(text);
  const found: Statement[] = [];
  let table: readonly string[] = [];
  for (;;) {
    reader.skipBlank();
    const start = reader.lineStart;
    if (reader.done) return found;
    const isHeader = reader.take("[");
    if (isHeader) reader.take("[");
    const names = reader.keys();
    if (names === null || !reader.take(isHeader ? "]" : "=")) return null;
    if (isHeader) {
      reader.take("]");
      table = names;
    } else if (!reader.skipValue()) {
      return null;
    }
    reader.skipLine();
    found.push({ path: isHeader ? names : [...table, ...names], start, end: reader.at });
  }
}

class Reader {
  readonly #text: string;
  at: number;

  constructor(text: string) {
    this.#text = text;
    this.at = text.startsWith("\uFEFF") ? 1 : 0;
  }

  get done(): boolean {
    return this.at >= this.#text.length;
  }

  get lineStart(): number {
    return this.at === 0 ? 0 : this.#text.lastIndexOf("\n", this.at - 1) + 1;
  }

  /** White space, line breaks and comments. */
  skipBlank(): void {
    this.#skip(/(?:\s+|#[^\n]*)*/y);
  }

  skipLine(): void {
    this.#skip(/[^\n]*\n?/y);
  }

  take(sign: string): boolean {
    this.#skip(/[ \t]*/y);
    if (!this.#text.startsWith(sign, this.at)) return false;
    this.at += sign.length;
    return true;
  }

  /** A dotted key. */
  keys(): readonly string[] | null {
    const names: string[] = [];
    do {
      this.#skip(/[ \t]*/y);
      const quoted = this.#skip(/"(?:[^"\\\n]|\\.)*"|'[^'\n]*'/y);
      const name = quoted === "" ? this.#skip(/[\w-]+/y) : unquoted(quoted);
      if (name === null || (name === "" && quoted === "")) return null;
      names.push(name);
    } while (this.take("."));
    return names;
  }

  /** Up to the end of the value: a line break or comment outside of brackets and strings. */
  skipValue(): boolean {
    let depth = 0;
    while (!this.done) {
      const sign = this.#text.charAt(this.at);
      if (sign === '"' || sign === "'") {
        if (!this.#skipString()) return false;
        continue;
      }
      if (sign === "#") {
        if (depth === 0) return true;
        this.#skip(/[^\n]*/y);
        continue;
      }
      if (sign === "\n" && depth === 0) return true;
      if (sign === "[" || sign === "{") depth++;
      if (sign === "]" || sign === "}") depth--;
      this.at++;
    }
    return depth === 0;
  }

  #skipString(): boolean {
    const long = /"""(?:[^\\]|\\[^])*?"{3,5}|'''[^]*?'{3,5}/y;
    const short = /"(?:[^"\\\n]|\\.)*"|'[^'\n]*'/y;
    return this.#skip(long) !== "" || this.#skip(short) !== "";
  }

  #skip(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.#text)?.[0] ?? "";
    this.at += found.length;
    return found;
  }
}

function unquoted(word: string): string | null {
  if (word.startsWith("'")) return word.slice(1, -1);
  try {
    return String(JSON.parse(word));
  } catch {
    return null;
  }
}
