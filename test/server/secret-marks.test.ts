import { expect, test } from "bun:test";
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Reach, Unit } from "../../src/core/unit.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { SecretMarks } from "../../src/server/secret-marks.ts";
import { Home } from "../e2e/harness.ts";
import { unitOf } from "../helpers/unit.ts";

function remote(headers: (Reach & { kind: "remote" })["headers"]): Unit {
  const reach = { kind: "remote", wire: "ws", url: "ws://127.0.0.1/${PLACE}", headers } as const;
  return unitOf("far", { reach });
}

function marksWith(home: Home, environment: { readonly [name: string]: string }): SecretMarks {
  return new SecretMarks({ platform: home.platform, environment, clock: systemClock });
}

test("a mark is of the values behind references, for every daemon of this machine", () => {
  using home = new Home();
  using other = new Home();
  const unit = remote({ authorization: { kind: "env", name: "TOKEN", prefix: "Bearer " } });
  const mark = marksWith(home, { TOKEN: "one", PLACE: "p" }).of(unit);
  expect(marksWith(home, { TOKEN: "one", PLACE: "p", HOME: "elsewhere" }).of(unit)).toBe(mark);
  expect(marksWith(home, { TOKEN: "two", PLACE: "p" }).of(unit)).not.toBe(mark);
  expect(marksWith(home, { TOKEN: "one", PLACE: "q" }).of(unit)).not.toBe(mark);
  expect(marksWith(home, {}).of(unit)).not.toBe(mark);
  expect(marksWith(other, { TOKEN: "one", PLACE: "p" }).of(unit)).not.toBe(mark);
});

test("a file that is written anew is another secret at once, and is not told", () => {
  using home = new Home();
  const path = join(home.path, "token");
  const write = (text: string): void => {
    writeFileSync(path, text);
    chmodSync(path, 0o600);
  };
  const marks = marksWith(home, { PLACE: "p" });
  const unit = remote({ authorization: { kind: "file", path, prefix: "" } });
  write("the first secret");
  const first = marks.of(unit);
  write("the second secret");
  expect(marks.of(unit)).not.toBe(first);
  write("the first secret");
  expect(marks.of(unit)).toBe(first);
  const { cacheDir } = home.platform.paths;
  for (const name of readdirSync(cacheDir)) {
    expect(readFileSync(join(cacheDir, name), "latin1")).not.toContain("secret");
  }
});

test("a file that comes or goes, or gets other rights, is noticed; what stays is not read again", () => {
  using home = new Home();
  const path = join(home.path, "token");
  let looks = 0;
  const environment = {
    get PLACE(): string {
      looks += 1;
      return "p";
    },
  };
  const marks = marksWith(home, environment);
  const unit = remote({ authorization: { kind: "file", path, prefix: "" } });
  const none = marks.of(unit);
  writeFileSync(path, "secret", { mode: 0o600 });
  const mark = marks.of(unit);
  expect(mark).not.toBe(none);
  const before = looks;
  expect([marks.of(unit), looks]).toEqual([mark, before]);
  chmodSync(path, 0o644);
  // Nobody is started with a secret that others can read.
  expect(marks.of(unit)).toBe(none);
  chmodSync(path, 0o600);
  expect(marks.of(unit)).toBe(mark);
  rmSync(path);
  expect(marks.of(unit)).toBe(none);
});

test("what is in the keychain cannot be told at once: there is no mark", () => {
  using home = new Home();
  const item = { kind: "keychain", service: "far", account: "me", prefix: "" } as const;
  expect(marksWith(home, { PLACE: "p" }).of(remote({ authorization: item }))).toBeNull();
});

test("a variable of its own counts where a header has its name, and is known to headers", () => {
  using home = new Home();
  const path = join(home.path, "token");
  const marks = marksWith(home, { PLACE: "p" });
  const headers = { TOKEN: { kind: "text", text: "as ${TOKEN}" } } as const;
  const { reach, ...rest } = remote(headers);
  const unit = { ...rest, reach: { ...reach, env: { TOKEN: { kind: "file", path, prefix: "" } } } };
  writeFileSync(path, "the first secret", { mode: 0o600 });
  const first = marks.of(unit as Unit);
  writeFileSync(path, "the second secret");
  expect(marks.of(unit as Unit)).not.toBe(first);
});
