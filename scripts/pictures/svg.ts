/** A picture of a terminal: text with the colours that paint() of the command line writes. */

const COLUMN_PX = 8.4;
const LINE_PX = 19;
const MARGIN_PX = 16;
const COLUMNS_MAX = 118;
const FOREGROUND = "#d4d4d4";
const BACKGROUND = "#1e1e1e";
const STYLES: { readonly [code: string]: string } = {
  "1": 'font-weight="bold"',
  "2": 'opacity="0.65"',
  "31": 'fill="#f47067"',
  "32": 'fill="#57ab5a"',
  "33": 'fill="#d6a64a"',
  "36": 'fill="#56b6c2"',
};
const ESCAPE = String.fromCharCode(27);

type Run = { readonly text: string; readonly style: string };

/** A command line and what it prints, as an SVG of its own. */
export function pictureOf(line: string, output: string): string {
  const prompt: readonly Run[] = [
    { text: "$ ", style: STYLES["32"] ?? "" },
    { text: line, style: "" },
  ];
  const lines = [prompt, ...output.split("\n").flatMap((text) => wrapped(runsOf(text)))];
  const columns = Math.max(60, ...lines.map(lengthOf));
  const width = Math.ceil(columns * COLUMN_PX + 2 * MARGIN_PX);
  const height = lines.length * LINE_PX + 2 * MARGIN_PX;
  const rows = lines.map((runs, row) => {
    const y = MARGIN_PX + (row + 0.75) * LINE_PX;
    return `<text x="${MARGIN_PX}" y="${y}" xml:space="preserve">${runs.map(span).join("")}</text>`;
  });
  const font = 'font-family="ui-monospace, Menlo, Consolas, monospace" font-size="14"';
  const size = `width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`;
  const about = `role="img" aria-label="${escaped(line)}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} ${about}>
<rect width="100%" height="100%" rx="8" fill="${BACKGROUND}"/>
<g ${font} fill="${FOREGROUND}">
${rows.join("\n")}
</g>
</svg>
`;
}

/** The pieces of a line, each in one style; a colour ends at the line's end at the latest. */
function runsOf(line: string): readonly Run[] {
  const [first = "", ...rest] = line.split(`${ESCAPE}[`);
  const runs = rest.map((piece) => {
    const [, code = "", text = ""] = /^(\d*)m([\s\S]*)$/.exec(piece) ?? [];
    return { text, style: STYLES[code] ?? "" };
  });
  return [{ text: first, style: "" }, ...runs].filter(({ text }) => text !== "");
}

/** Long lines go on in the next one, as in a terminal. */
function wrapped(runs: readonly Run[]): readonly (readonly Run[])[] {
  const lines: Run[][] = [[]];
  let used = 0;
  for (const { text, style } of runs) {
    for (let at = 0; at < text.length;) {
      if (used === COLUMNS_MAX) {
        lines.push([]);
        used = 0;
      }
      const piece = text.slice(at, at + COLUMNS_MAX - used);
      lines.at(-1)?.push({ text: piece, style });
      at += piece.length;
      used += piece.length;
    }
  }
  return lines;
}

function lengthOf(runs: readonly Run[]): number {
  return runs.reduce((sum, { text }) => sum + text.length, 0);
}

function span({ text, style }: Run): string {
  return style === ""
    ? `<tspan>${escaped(text)}</tspan>`
    : `<tspan ${style}>${escaped(text)}</tspan>`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
