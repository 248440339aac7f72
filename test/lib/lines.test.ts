import { describe, expect, test } from "bun:test";

import fc from "fast-check";

import { LineSplitter } from "../../src/lib/lines.ts";

function collect(lineBytesMax: number): {
  splitter: LineSplitter;
  lines: string[];
  heads: string[];
} {
  const lines: string[] = [];
  const heads: string[] = [];
  const splitter = new LineSplitter(lineBytesMax, {
    line: (text) => lines.push(text),
    tooLong: (head) => heads.push(head),
  });
  return { splitter, lines, heads };
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("LineSplitter", () => {
  test("cuts a chunk into lines, with LF or CRLF and without the empty ones", () => {
    const { splitter, lines } = collect(100);
    splitter.push(bytes("one\r\ntwo\n\n\r\nthree\n"));
    expect(lines).toEqual(["one", "two", "three"]);
  });

  test("gives the half line that is left at the end", () => {
    const { splitter, lines } = collect(100);
    splitter.push(bytes("one\nhal"));
    splitter.push(bytes("f"));
    expect(lines).toEqual(["one"]);
    splitter.end();
    splitter.end();
    expect(lines).toEqual(["one", "half"]);
  });

  test("reports a line that is too long once, skips it and goes on behind it", () => {
    const { splitter, lines, heads } = collect(8);
    splitter.push(bytes("12345678\n123456789\nshort\n"));
    for (let round = 0; round < 50; round++) splitter.push(bytes("abcdefghijklmnop"));
    splitter.push(bytes("tail\nafter\n"));
    expect(lines).toEqual(["12345678", "short", "after"]);
    expect(heads).toEqual(["12345678", "abcdefgh"]);
  });

  test("a line of exactly the limit passes, also with CRLF", () => {
    const { splitter, lines, heads } = collect(4);
    splitter.push(bytes("1234\r"));
    splitter.push(bytes("\nabcd\r\n"));
    expect(lines).toEqual(["1234", "abcd"]);
    expect(heads).toEqual([]);
  });

  test("gives the same lines however the bytes are cut", () => {
    const texts = fc.array(fc.string({ unit: "grapheme", minLength: 1, maxLength: 30 }));
    fc.assert(
      fc.property(texts, fc.array(fc.nat(20)), (wanted, cuts) => {
        const clean = wanted.map((text) => text.replaceAll(/[\r\n]/g, "_"));
        const whole = bytes(clean.map((text) => `${text}\n`).join(""));
        const { splitter, lines } = collect(1000);
        let from = 0;
        for (const cut of cuts) {
          splitter.push(whole.slice(from, from + cut));
          from += cut;
        }
        splitter.push(whole.slice(from));
        expect(lines).toEqual(clean);
      }),
    );
  });
});
