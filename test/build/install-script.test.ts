import { describe, expect, test } from "bun:test";

import { installScripts } from "../../build/install-script.ts";
import { TARGETS } from "../../build/targets.ts";

/** A different sum for each target. */
const SUMS = Object.fromEntries(
  TARGETS.map(({ name }, index) => [name, String(index).padStart(64, "a")]),
);

describe("the install scripts of a release", () => {
  const { sh, ps1 } = installScripts("0.2.0-beta.1", SUMS);

  test("know their version and the hash of every archive for their systems", () => {
    expect(sh).toContain("\nVERSION='0.2.0-beta.1'\n");
    expect(ps1).toContain("\n    Version = '0.2.0-beta.1'\n");
    for (const { name, os } of TARGETS) {
      const line =
        os === "win32" ? `'${name}' = '${SUMS[name]}'` : `${name}) echo '${SUMS[name]}' ;;`;
      expect(os === "win32" ? ps1 : sh).toContain(line);
    }
  });

  test("have no placeholder left", () => {
    for (const text of [sh, ps1]) expect(text).not.toMatch(/@\w+(-\w+)*@/);
  });

  test("are plain ASCII, since not every shell knows in which encoding they come", () => {
    for (const text of [sh, ps1]) expect(text).toMatch(/^[\n -~]*$/);
  });

  test("end in a block that nothing runs unless it is complete", () => {
    expect(sh.trimEnd().split("\n").at(-1)).toBe('{ main "$@"; exit 0; }');
    const last = ps1.slice(ps1.lastIndexOf("\n& {"));
    expect(last.trimEnd()).toEndWith("\n}");
    // Before it, nothing stands at the edge but the parameters, functions, comments and brackets.
    const edge = ps1.slice(0, ps1.lastIndexOf("\n& {")).split("\n");
    expect(edge.filter((line) => /^[^\s#]/.test(line) && !EDGE.test(line))).toEqual([]);
  });

  test("leave the PowerShell that runs them open, and its preferences as they are", () => {
    const exits = ps1.split("\n").filter((line) => /(^|\{)\s*exit\b/.test(line));
    expect(exits.map((line) => line.trim())).toEqual(["if ($PSCommandPath) { exit $result.Code }"]);
    // At the edge, `iex` would set them for good.
    expect(ps1).not.toMatch(/^(\$ErrorActionPreference|\$ProgressPreference|Set-StrictMode)/m);
    expect(ps1).toContain("LanguageMode -ne 'FullLanguage'");
  });

  test("use of PowerShell only what Windows' own has", () => {
    const later = /\?\?|\?\.|&&|\|\||-Parallel\b|\bGet-FileHash\b|\bTest-Json\b|::new\(/;
    const code = ps1.split("\n").filter((line) => !/^\s*#/.test(line));
    expect(code.filter((line) => later.test(line))).toEqual([]);
  });

  test("are not made for what is no version, and with nothing for a hash that is none", () => {
    expect(() => installScripts("latest", SUMS)).toThrow('"latest" is no version');
    expect(() => installScripts("1.0.0'; rm", SUMS)).toThrow("is no version");
    expect(() => installScripts("1.0.0", { ...SUMS, "linux-arm64": "12" })).toThrow("linux-arm64");
    expect(() => installScripts("1.0.0", { "linux-mips": SUMS["linux-x64"] ?? "" })).toThrow(
      "mips",
    );
  });

  test("know nothing of a target that was not built", () => {
    const { "linux-arm64": _, ...others } = SUMS;
    const text = installScripts("1.0.0", others).sh;
    expect(text).toContain("linux-arm64) echo '' ;;");
  });
});

const EDGE = /^(param\(|\)|function [A-Z][\w-]+(\(| \{)|\}|\) \{|Installs mcpd|MCPD_|"@)/;
