// Words and the one line that Windows makes of them: every program takes it apart itself, by the
// rules of Microsoft's C runtime.

/** The words as one line. */
export function commandLine(words: readonly string[]): string {
  return words.map((word) => (/^[^\s"]+$/.test(word) ? word : quoted(word))).join(" ");
}

/** The words of a line; the opposite of commandLine(). */
export function wordsIn(line: string): readonly string[] {
  const tokens = line.match(/(?:"(?:\\.|[^"\\])*"?|\\"|[^\s"])+/g) ?? [];
  return tokens.map((token) =>
    token.replaceAll(/(\\*)"/g, (_, slashes: string) => {
      // Backslashes count double only before a quote; an odd one makes the quote a letter.
      const quote = slashes.length % 2 === 1 ? '"' : "";
      return "\\".repeat(Math.floor(slashes.length / 2)) + quote;
    }),
  );
}

function quoted(word: string): string {
  return `"${word.replace(/(\\*)("|$)/g, (_, slashes: string, quote: string) => {
    return `${slashes}${slashes}${quote === "" ? "" : '\\"'}`;
  })}"`;
}
