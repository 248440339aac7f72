const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;

export type Style = keyof typeof CODES;

/** Colours text, or does not: the one place where it is decided whether there are colours. */
export type Paint = (style: Style, text: string) => string;

export function paint(colored: boolean): Paint {
  if (!colored) return (_, text) => text;
  return (style, text) => (text === "" ? "" : `\u001b[${CODES[style]}m${text}\u001b[0m`);
}

const ESCAPE = String.fromCharCode(27);
// Everything but tab, line ends, and the escape of a colour.
const STEERING =
  // oxlint-disable-next-line no-control-regex -- they are what it looks for
  /\u001b(?!\[[\d;]*m)|\r(?!\n)|[\u0000-\u0008\u000b\u000c\u000e-\u001a\u001c-\u001f\u007f-\u009f]/g;

/**
 * Text that holds words of an upstream, for a terminal: what could move its cursor, name its window
 * or fill its clipboard shows as what it is.
 */
export function harmless(text: string): string {
  return text.replace(STEERING, (character) => {
    if (character === ESCAPE) return "\\e";
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
}

/** The same for words of nobody else, of which no colour may hide the rest. */
export function colourless(text: string): string {
  return harmless(text.replaceAll(ESCAPE, "\\e"));
}
