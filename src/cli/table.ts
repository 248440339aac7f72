import { harmless } from "./style.ts";

/** A column: its title, and "right" for numbers. */
export type Column = { readonly title: string; readonly align?: "right" };

const GAP = "  ";

/**
 * A table for people: titles, then rows, columns two spaces apart, nothing after the last word.
 * Cells may have colours and wide characters, but steer no terminal. With `width` the last column
 * is cut to fit.
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number | null = null,
): string {
  const lines = [
    columns.map((column) => column.title),
    ...rows.map((cells) => cells.map(harmless)),
  ];
  const widths = columns.map((_, at) =>
    Math.max(...lines.map((cells) => Bun.stringWidth(cells[at] ?? ""))),
  );
  return lines.map((cells) => line(cells, columns, widths, width)).join("\n");
}

/** Cuts text to a number of columns; what is missing shows as an ellipsis. */
export function cut(text: string, width: number): string {
  return Bun.stringWidth(text) <= width
    ? text
    : `${Bun.sliceAnsi(text, 0, Math.max(0, width - 1))}…`;
}

function line(
  cells: readonly string[],
  columns: readonly Column[],
  widths: readonly number[],
  width: number | null,
): string {
  let used = 0;
  const shown = columns.map((column, at) => {
    const last = at === columns.length - 1;
    const room = width === null ? Number.MAX_SAFE_INTEGER : Math.max(8, width - used);
    const cell = last ? cut(cells[at] ?? "", room) : (cells[at] ?? "");
    const fill = " ".repeat(Math.max(0, (widths[at] ?? 0) - Bun.stringWidth(cell)));
    used += (widths[at] ?? 0) + GAP.length;
    return column.align === "right" ? fill + cell : cell + fill;
  });
  return shown.join(GAP).trimEnd();
}
