import { expect, test } from "bun:test";

import fc from "fast-check";

import { commandLine, wordsIn } from "../../src/platform/command-line.ts";

test("commandLine() quotes words as programs of Windows read them", () => {
  expect(commandLine(["bootstrap", "--config", "C:\\x.json"])).toBe(
    "bootstrap --config C:\\x.json",
  );
  expect(commandLine(["C:\\two words\\", 'say "hi"', "", 'a\\"b c'])).toBe(
    '"C:\\two words\\\\" "say \\"hi\\"" "" "a\\\\\\"b c"',
  );
});

test("wordsIn() finds the words that commandLine() was given", () => {
  const letter = fc.constantFrom("a", " ", '"', "\\", "ü", "<");
  const word = fc.string({ unit: letter, maxLength: 6 });
  fc.assert(
    fc.property(fc.array(word, { maxLength: 4 }), (words) => {
      expect(wordsIn(commandLine(words))).toEqual(words);
    }),
  );
});
