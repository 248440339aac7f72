const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;

export type Style = keyof typeof CODES;

/** Colours text, or does not: the one place where it is decided whether there are colours. */
export type Paint = (style: Style, text: string) => string;

export function paint(colored: boolean): Paint {
  if (!colored) return (_, text) => text;
  return (style, text) => (text === "" ? "" : `\u001b[${CODES[style]}m${text}\u001b[0m`);
}
