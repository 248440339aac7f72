import { describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";

import {
  pathLine,
  withDirectory,
  withLines,
  withoutDirectory,
  withoutLines,
} from "../../src/install/path-lines.ts";
import { posixTest } from "../helpers/posix.ts";

const LINE = pathLine("/home/u/.local/share/mcpd/bin", "/home/u", "posix");

describe("lines for PATH", () => {
  const texts = [
    "",
    "a\n",
    "a",
    "\n",
    "a\n\n",
    "# >>> conda >>>\nb\n# <<< conda <<<\n",
    "\r\nx\r\n",
  ];
  test.each(texts)("are taken out of %j byte for byte", (text) => {
    const changed = withLines(text, LINE);
    expect(changed).toContain(LINE);
    expect(withLines(changed, LINE)).toBe(changed);
    expect(withoutLines(changed)).toBe(text);
  });

  test("leave no file where there was none, but keep what was written into it since", () => {
    const made = withLines(null, LINE);
    expect(withLines(made, LINE)).toBe(made);
    expect(withoutLines(made)).toBeNull();
    expect(withoutLines(`${made}alias x=y\n`)).toBe("alias x=y\n");
  });

  test("are replaced when the folder is another one", () => {
    const other = pathLine("/opt/mcpd/bin", "/home/u", "posix");
    const changed = withLines(withLines("a\n", LINE), other);
    expect(changed.split(">>> mcpd").length).toBe(2);
    expect(changed).toContain("/opt/mcpd/bin");
  });

  test("leave the home directory to the shell", () => {
    expect(LINE).toContain('"$HOME/.local/share/mcpd/bin"');
    expect(pathLine("/home/u2/bin", "/home/u", "posix")).toContain('"/home/u2/bin"');
    expect(pathLine("/home/u/b", "/home/u", "fish")).toBe('fish_add_path --path --move "$HOME/b"');
  });

  posixTest("put exactly this folder first, once, whatever is in its name", () => {
    const home = mkdtempSync("/tmp/mcpd-");
    try {
      for (const name of ["plain", "a b", "%n", "$HOME", "`id`", `q"'\\`, "grün ☕", "*"]) {
        const folder = join(home, name);
        mkdirSync(folder);
        const line = pathLine(folder, home, "posix");
        const script = `${line}\n${line}\nprintf %s "$PATH"`;
        const env = { HOME: home, PATH: "/usr/bin:/bin" };
        const shell = Bun.spawnSync(["/bin/sh", "-eu", "-c", script], { env });
        expect(shell.stdout.toString()).toBe(`${folder}:/usr/bin:/bin`);
      }
    } finally {
      rmSync(home, { recursive: true });
    }
  });
});

describe("PATH of Windows", () => {
  const OURS = "C:\\Users\\u\\AppData\\Local\\Programs\\mcpd\\bin";

  test("gets our folder once and loses it again, with references as they are", () => {
    for (const path of ["", "%USERPROFILE%\\bin", "C:\\a;;C:\\b;", ";"]) {
      const changed = withDirectory(path, OURS);
      expect(changed).toStartWith(OURS);
      expect(withDirectory(changed, `${OURS.toUpperCase()}\\`)).toBe(changed);
      expect(withoutDirectory(changed, OURS)).toBe(path);
    }
  });
});
