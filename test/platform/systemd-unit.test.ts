import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";

import { isFault } from "../../src/core/fault.ts";
import {
  fillTemplate,
  plainText,
  readTemplate,
  xmlText,
} from "../../src/platform/service-template.ts";
import type { ServiceSpec } from "../../src/platform/service.ts";
import { renderUnit, UNIT_TEMPLATE } from "../../src/platform/systemd-unit.ts";
import { TemporaryDirectory } from "../helpers/temporary.ts";

const SPEC: ServiceSpec = {
  program: "/home/ada/100% mine/$bin/mcpd",
  arguments: ["bootstrap", "--config", 'a $b "c" \\d %e', ""],
  workingDir: "/home/ada/100% state",
  path: "/home/ada/100%/bin:/usr/bin",
  environment: { XDG_CONFIG_HOME: '/home/ada/"x"', PATH: "not this one" },
  logFile: "/home/ada/bootstrap.log",
};
const TEMPLATE = { text: UNIT_TEMPLATE, path: null };

function linesOf(unit: ReturnType<typeof renderUnit>): readonly string[] {
  if (isFault(unit)) throw new Error(unit.text);
  return unit.split("\n");
}

test("renderUnit() escapes each value for its place", () => {
  const lines = linesOf(renderUnit(TEMPLATE, SPEC, "notify"));
  expect(lines).toContain(
    'ExecStart="/home/ada/100%% mine/$bin/mcpd" bootstrap --config ' +
      '"a $$b \\"c\\" \\\\d %%e" ""',
  );
  expect(lines).toContain("WorkingDirectory=-/home/ada/100%% state");
  expect(lines).toContain(
    'Environment="PATH=/home/ada/100%%/bin:/usr/bin" "XDG_CONFIG_HOME=/home/ada/\\"x\\""',
  );
  expect(lines).toContain("Type=notify");
  expect(lines).toContain("WatchdogSec=60");
  // As long as an upgrade waits for health (MISSION A10), not the minute and a half of systemd.
  expect(lines).toContain("TimeoutStartSec=30");
});

test("renderUnit() has no watchdog for a program that cannot tell how it is", () => {
  const lines = linesOf(renderUnit(TEMPLATE, SPEC, "exec"));
  expect(lines).toContain("Type=exec");
  expect(lines).toContain("WatchdogSec=0");
});

test("renderUnit() refuses what no line of a unit can hold", () => {
  const strange: readonly Partial<ServiceSpec>[] = [
    { program: '/a"b' },
    { program: "/a\nb" },
    { program: "mcpd" },
    { workingDir: "state" },
    { workingDir: "/state\\" },
    { workingDir: "/state " },
    { path: "/bin\n/usr/bin" },
    { arguments: ["a\u0000"] },
  ];
  for (const change of strange) {
    const problem = renderUnit(TEMPLATE, { ...SPEC, ...change }, "notify");
    expect(problem).toMatchObject({ kind: "fault", code: "service.path" });
  }
});

test("readTemplate() takes the user's file, also of Windows' editor, else the built-in one", () => {
  using directory = new TemporaryDirectory();
  expect(readTemplate(directory.path, "x", "built in")).toEqual({ text: "built in", path: null });
  const path = directory.file("x");
  writeFileSync(path, Buffer.from("\ufeffä {{a}}\r\nb", "utf16le"));
  expect(readTemplate(directory.path, "x", "")).toEqual({ text: "ä {{a}}\nb", path });
  expect(readTemplate(path, "x", "built in")).toEqual({ text: "built in", path: null });
});

test("fillTemplate() fills in what is there, and nothing in what it has filled in", () => {
  const template = { text: "{{a}} {{ b }} {c} {{a}}", path: null };
  expect(fillTemplate(template, { a: "{{b}}", b: "$&" })).toBe("{{b}} $& {c} {{b}}");
  expect(fillTemplate({ text: "{{}}", path: "/t" }, { a: "" })).toMatchObject({
    code: "service.template",
    text: "Unknown placeholder {{}} in /t, line 1. There are a",
  });
});

test("plainText() is the opposite of xmlText()", () => {
  for (const text of ['<a b="c">&amp;</a>', "&lt;", "ü"])
    expect(plainText(xmlText(text))).toBe(text);
});
