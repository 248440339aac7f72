import { expect, test } from "bun:test";

import { parseInfo } from "../../src/install/state.ts";
import { compareVersions, isVersion } from "../../src/install/versions.ts";

test("a receipt is read as far as it is one", () => {
  for (const text of ["", "{", "null", "[]", "7", "{}", '{ "version": 1 }']) {
    expect([text, parseInfo(text)]).toEqual([text, null]);
  }
  const odd = { version: "0.1.0", links: ["a", 1], pathFiles: "x", previous: "", later: true };
  expect(parseInfo(JSON.stringify(odd))).toEqual({
    version: "0.1.0",
    commit: "",
    installedAt: "",
    previous: null,
    owner: "mcpd",
    pathFiles: [],
    links: ["a"],
    config: null,
    service: null,
  });
});

test("versions are compared as versions", () => {
  expect(compareVersions("0.10.0", "0.9.0")).toBeGreaterThan(0);
  expect(compareVersions("1.0.0-rc.1", "1.0.0")).toBeLessThan(0);
  expect(compareVersions("1.0.0", "1.0.0")).toBe(0);
  // What cannot be compared is neither: a build from source says "0.0.0-dev".
  expect(compareVersions("junk", "1.0.0")).toBe(0);
  expect(["0.2.0", "1.0.0-rc.1"].map(isVersion)).toEqual([true, true]);
  expect(["", "1", "1.0", "v1.0.0", "../1.0.0", "1.0.0 "].filter(isVersion)).toEqual([]);
});
