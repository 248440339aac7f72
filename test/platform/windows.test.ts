import { expect, test } from "bun:test";

import { powershell, systemDir } from "../../src/platform/windows-tools.ts";
import { windowsPlatform } from "../../src/platform/windows.ts";

test("nobody is an administrator where nothing tells who is", () => {
  expect(windowsPlatform({ SystemRoot: "C:\\nowhere" }).user.elevated).toBe(false);
});

test("PowerShell is that of the system, and prints UTF-8", () => {
  expect(systemDir({})).toBe("C:\\Windows\\System32");
  const [program, ...words] = powershell("'Zoë'", systemDir({ SystemRoot: "D:\\W" }));
  expect(program).toBe("D:\\W\\System32\\WindowsPowerShell\\v1.0\\powershell.exe");
  expect(words.at(-1)).toMatch(/^try \{.*UTF8 \} catch \{ \} 'Zoë'$/);
});
