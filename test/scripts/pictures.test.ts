import { expect, test } from "bun:test";

import { pictureOf } from "../../scripts/pictures/svg.ts";

const ESCAPE = String.fromCharCode(27);

test("a picture of a terminal has its lines, colours and signs", () => {
  const output = `a < b & "c"\n${ESCAPE}[31merror:${ESCAPE}[0m it broke`;
  const svg = pictureOf("mcpd doctor", output);
  expect(svg.match(/<text /g)).toHaveLength(3);
  expect(svg).toContain("a &lt; b &amp; &quot;c&quot;");
  expect(svg).toContain('<tspan fill="#f47067">error:</tspan><tspan> it broke</tspan>');
  expect(svg).not.toContain(ESCAPE);
});

test("a line that is too long for the picture goes on in the next one", () => {
  const svg = pictureOf("x", "y".repeat(200));
  expect(svg.match(/<text /g)).toHaveLength(3);
  expect(svg.match(/y/g)?.filter((letter) => letter === "y").length).toBeGreaterThanOrEqual(200);
});
