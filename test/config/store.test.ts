import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";

import { ConfigStore, standing } from "../../src/config/store.ts";
import { CONFIG_TEMPLATE, SCHEMA_FILE_NAME } from "../../src/config/template.ts";
import { type Fault, isFault } from "../../src/core/fault.ts";
import type { Revision } from "../../src/core/revision.ts";
import { testHost } from "./host.ts";

const GOOD = '{ "daemon": { "port": 9000 } } // mine\n';

let directory = "";
let path = "";
beforeEach(() => {
  directory = mkdtempSync("/tmp/mcpd-");
  path = `${directory}/config/mcpd.config.json`;
  mkdirSync(`${directory}/config`);
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

function store(): ConfigStore {
  return new ConfigStore(path, testHost(directory));
}

function save(text: string): void {
  writeFileSync(path, text, { mode: 0o600 });
}

function good(result: Revision | Fault): Revision {
  if (isFault(result)) throw new Error(result.text);
  return result;
}

function bad(result: unknown): Fault {
  if (!isFault(result)) throw new Error("it was accepted");
  return result;
}

function modeOf(file: string): number {
  return statSync(file).mode & 0o777;
}

describe("load()", () => {
  test("numbers revisions by what they mean", () => {
    const config = store();
    save(GOOD);
    expect(good(config.load())).toMatchObject({ number: 1, path, daemon: { port: 9000 } });
    save(`// another note\n${GOOD}`);
    expect(good(config.load()).number).toBe(1);
    save("{}");
    expect(good(config.load()).number).toBe(2);
  });

  test("keeps the last good revision while the file is wrong", () => {
    const config = store();
    save(GOOD);
    good(config.load());
    save('{ "daemon": { "port": 80 } }');
    expect(bad(config.load()).code).toBe("config.invalid");
    expect(config.lastGood).toMatchObject({ number: 1, daemon: { port: 9000 } });
    expect(standing(bad(config.load()), config.lastGood)).toEndWith(
      "; the last good config stays in force",
    );
    save("{}");
    expect(good(config.load()).number).toBe(2);
  });

  test("a store on a broken file starts from the copy an earlier one kept", () => {
    save(GOOD);
    good(store().load());
    save("{ broken");
    const later = store();
    expect(bad(later.load()).code).toBe("config.invalid");
    expect(later.lastGood).toMatchObject({ number: 1, path, daemon: { port: 9000 } });
    const [copy] = readdirSync(`${directory}/state`);
    expect(modeOf(`${directory}/state/${copy}`)).toBe(0o600);
    expect(modeOf(`${directory}/state`)).toBe(0o700);
  });

  test("the defaults serve only when there never was a good file", () => {
    save("{ broken");
    const config = store();
    bad(config.load());
    expect(config.lastGood).toMatchObject({ number: 1, path: null });
    expect(standing(bad(config.load()), config.lastGood)).toEndWith("; the defaults are in force");
  });

  test("one config's copy is not another's", () => {
    save(GOOD);
    good(store().load());
    const other = new ConfigStore(`${directory}/config/other.json`, testHost(directory));
    expect(other.lastGood.path).toBeNull();
  });

  test("says when there is no file, or none it may read", () => {
    expect(bad(store().load())).toMatchObject({ code: "config.unreadable", subject: path });
    mkdirSync(path);
    expect(bad(store().load()).text).toBe(`Cannot read ${path}: it is a directory`);
  });

  test("warns when others may read the file", () => {
    save(GOOD);
    chmodSync(path, 0o644);
    expect(good(store().load()).warnings[0]?.text).toContain("chmod 600");
    const windows = new ConfigStore(path, { ...testHost(directory), name: "windows" });
    expect(good(windows.load()).warnings).toEqual([]);
  });

  test("works without a place for the copy, and says so", () => {
    save(GOOD);
    writeFileSync(`${directory}/state`, "in the way");
    const text = expect.stringContaining("No copy of the last good config");
    // About no line of the file.
    expect(good(store().load()).warnings[0]).toMatchObject({ text, line: 0 });
  });
});

describe("createDefault()", () => {
  test("writes a private, commented config with its schema beside it, once", async () => {
    rmSync(`${directory}/config`, { recursive: true });
    expect(await store().createDefault()).toBe(true);
    expect(readFileSync(path, "utf8")).toBe(CONFIG_TEMPLATE);
    expect(modeOf(path)).toBe(0o600);
    expect(modeOf(`${directory}/config`)).toBe(0o700);
    const written = readdirSync(`${directory}/config`);
    expect(new Set(written)).toEqual(new Set(["mcpd.config.json", SCHEMA_FILE_NAME]));
    expect(CONFIG_TEMPLATE).toContain(`"$schema": "./${SCHEMA_FILE_NAME}"`);
    expect(good(store().load()).warnings).toEqual([]);
    save(GOOD);
    expect(await store().createDefault()).toBe(false);
    expect(readFileSync(path, "utf8")).toBe(GOOD);
  });
});

describe("edit()", () => {
  const add = { kind: "set", path: ["mcpServers", "a"], value: { command: "x" } } as const;

  test("writes the change, keeps the rest and the rights, and gives the new revision", async () => {
    save(GOOD);
    chmodSync(path, 0o600);
    const config = store();
    good(config.load());
    const revision = good(await config.edit([add]));
    expect(revision).toMatchObject({ number: 2, daemon: { port: 9000 } });
    expect(revision.units.map((unit) => unit.upstream)).toEqual(["mcpd", "a"]);
    expect(readFileSync(path, "utf8")).toEndWith(" // mine\n");
    expect(modeOf(path)).toBe(0o600);
  });

  test("creates the file when there is none", async () => {
    good(await store().edit([add]));
    expect(readFileSync(path, "utf8")).toContain("// Your MCP servers");
    expect(good(store().load()).units).toHaveLength(2);
  });

  test("follows a link instead of replacing it", async () => {
    const target = `${directory}/dotfiles.json`;
    writeFileSync(target, GOOD, { mode: 0o600 });
    symlinkSync(target, path);
    good(await store().edit([add]));
    expect(lstatSync(path).isSymbolicLink()).toBe(true);
    expect(readFileSync(target, "utf8")).toContain('"a"');
  });

  test("writes nothing that would not be valid", async () => {
    save(GOOD);
    const wrong = { kind: "set", path: ["daemon", "port"], value: 80 } as const;
    const { code, text, data } = bad(await store().edit([add, wrong]));
    expect([code, data?.["path"]]).toEqual(["config.refused", "daemon.port"]);
    // No line: the text that would have it has never been written.
    expect(text).toStartWith(`Cannot change ${path}: daemon.port: expected `);
    expect(readFileSync(path, "utf8")).toBe(GOOD);
    save('{ "daemon": { "port": 80 } }');
    expect(bad(await store().edit([add]))).toMatchObject({
      code: "config.invalid",
      data: { line: 1 },
    });
  });

  test("may repair a wrong file, but not one that is no JSON", async () => {
    save('{ "daemon": { "port": 80 } }');
    good(await store().edit([{ kind: "remove", path: ["daemon", "port"] }]));
    save("{ broken");
    expect(bad(await store().edit([add])).code).toBe("config.invalid");
    expect(readFileSync(path, "utf8")).toBe("{ broken");
  });

  test("refuses when the file is not the expected one any more", async () => {
    save(GOOD);
    const config = store();
    const hash = config.textHash();
    if (typeof hash !== "string") throw new Error("there is no hash");
    good(await config.edit([add], hash));
    const again = { ...add, path: ["mcpServers", "b"] };
    expect(bad(await config.edit([again], hash)).code).toBe("config.changed");
    expect(readFileSync(path, "utf8")).not.toContain('"b"');
  });
});
