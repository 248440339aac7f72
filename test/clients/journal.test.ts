import { describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

import { editServers } from "../../src/clients/document.ts";
import { snapshot } from "../../src/clients/files.ts";
import { Journal } from "../../src/clients/journal.ts";
import type { Applied } from "../../src/clients/kept.ts";
import { MCP_SERVERS } from "../../src/clients/shape.ts";
import type { Change } from "../../src/clients/write.ts";
import { isFault } from "../../src/core/fault.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { posixTest } from "../helpers/posix.ts";
import { TemporaryDirectory } from "../helpers/temporary.ts";

class Scene implements Disposable {
  readonly directory = new TemporaryDirectory();
  readonly journal = new Journal(this.directory.file("backups"), systemClock);

  file(name: string, text: string, mode = 0o644): string {
    const path = this.directory.file(name);
    writeFileSync(path, text, { mode });
    chmodSync(path, mode);
    return path;
  }

  change(path: string, after: string | null, required = false): Change {
    const before = snapshot(path);
    if (isFault(before)) throw new Error(before.text);
    return { before, after, mode: 0o600, required };
  }

  async apply(...changes: readonly Change[]): Promise<Applied> {
    const result = await this.journal.apply("setup", changes);
    if (isFault(result)) throw new Error(result.text);
    return result;
  }

  async undo(
    id: string | null,
  ): Promise<{ restored: readonly string[]; refused: readonly object[] }> {
    const result = await this.journal.undo(id ?? "");
    if (isFault(result)) throw new Error(result.text);
    return result;
  }

  [Symbol.dispose](): void {
    this.directory[Symbol.dispose]();
  }
}

function textAt(path: string): string {
  return readFileSync(path, "utf8");
}

describe("the journal", () => {
  posixTest("writes files and gives every byte, right and absence back", async () => {
    using scene = new Scene();
    const odd = scene.file("odd", "\uFEFFa\r\n\tb", 0o640);
    const made = scene.directory.file("new", "deep", "file");
    const gone = scene.file("gone", "was here");
    const { id, written } = await scene.apply(
      scene.change(odd, "changed"),
      scene.change(made, "made"),
      scene.change(gone, null),
    );
    expect(written).toEqual([odd, made, gone]);
    expect([textAt(odd), textAt(made), existsSync(gone)]).toEqual(["changed", "made", false]);
    expect(statSync(odd).mode & 0o777).toBe(0o640);
    expect((await scene.undo(id)).refused).toEqual([]);
    expect([textAt(odd), textAt(gone)]).toEqual(["\uFEFFa\r\n\tb", "was here"]);
    expect(existsSync(scene.directory.file("new"))).toBe(false);
    expect(scene.journal.list()).toEqual([]);
  });

  test("leaves a file that was changed since, restores the rest, and can be asked again", async () => {
    using scene = new Scene();
    const [a, b] = [scene.file("a", "1"), scene.file("b", "2")];
    const { id } = await scene.apply(scene.change(a, "one"), scene.change(b, "two"));
    writeFileSync(a, "one more");
    expect(await scene.undo(id)).toMatchObject({
      restored: [b],
      refused: [{ path: a, expected: "one", found: "one more" }],
    });
    expect([textAt(a), textAt(b)]).toEqual(["one more", "2"]);
    writeFileSync(a, "one");
    expect(await scene.undo(id)).toMatchObject({ restored: [a], refused: [] });
    expect(textAt(a)).toBe("1");
  });

  test("does not write what somebody else wrote meanwhile", async () => {
    using scene = new Scene();
    const [a, b] = [scene.file("a", "1"), scene.file("b", "2")];
    const changes = [scene.change(a, "one"), scene.change(b, "two")];
    writeFileSync(a, "by its client");
    const { written, failed } = await scene.apply(...changes);
    expect([written, failed.map(({ code }) => code)]).toEqual([[b], ["client.changed"]]);
    expect(textAt(a)).toBe("by its client");
  });

  test("changes the servers of what a client wrote meanwhile, and gives that back", async () => {
    using scene = new Scene();
    const a = scene.file("a", '{ "n": 1, "mcpServers": { "x": { "command": "x" } } }');
    const edits = { set: [["mcpd", { command: "mcpd" }] as const], remove: ["x"] };
    const ours = editServers(textAt(a), MCP_SERVERS, a, edits);
    if (isFault(ours)) throw new Error(ours.text);
    const change = { ...scene.change(a, ours), shapes: [MCP_SERVERS] };
    const theirs = '{ "n": 2, "mcpServers": { "y": {}, "x": { "command": "x" } } }';
    writeFileSync(a, theirs);
    const { id, written, failed } = await scene.apply(change);
    expect([written, failed]).toEqual([[a], []]);
    expect(JSON.parse(textAt(a))).toEqual({
      n: 2,
      mcpServers: { y: {}, mcpd: { command: "mcpd" } },
    });
    await scene.undo(id);
    expect(textAt(a)).toBe(theirs);
    // A change of anything else cannot be made in another text.
    const other = { ...scene.change(a, theirs.replace("2", "3")), shapes: [MCP_SERVERS] };
    writeFileSync(a, ours);
    expect((await scene.apply(other)).failed.map(({ code }) => code)).toEqual(["client.changed"]);
    expect(textAt(a)).toBe(ours);
  });

  test("puts everything back when a file that is required cannot be written", async () => {
    using scene = new Scene();
    const [a, b] = [scene.file("a", "1"), scene.file("b", "2", 0o444)];
    const made = scene.directory.file("made");
    const result = await scene.journal.apply("setup", [
      scene.change(made, "x", true),
      scene.change(a, "one", true),
      scene.change(b, "two", true),
    ]);
    expect(isFault(result) ? result.text : "").toContain("it is read-only");
    expect([textAt(a), textAt(b), existsSync(made)]).toEqual(["1", "2", false]);
    expect(scene.journal.list()).toEqual([]);
  });

  test("leaves a read-only file alone and names it", async () => {
    using scene = new Scene();
    const path = scene.file("a", "1", 0o444);
    const { id, failed } = await scene.apply(scene.change(path, "one"));
    expect([id, textAt(path), failed[0]?.text]).toEqual([
      null,
      "1",
      `Cannot write ${path}: it is read-only`,
    ]);
  });

  posixTest("keeps a link a link, and says what a broken one is", async () => {
    using scene = new Scene();
    const real = scene.file("real", "1");
    const link = scene.directory.file("link");
    symlinkSync(real, link);
    const { id } = await scene.apply(scene.change(link, "one"));
    expect([textAt(real), readlinkSync(link)]).toEqual(["one", real]);
    await scene.undo(id);
    expect([textAt(real), readlinkSync(link)]).toEqual(["1", real]);
    const broken = scene.directory.file("broken");
    symlinkSync(scene.directory.file("nowhere"), broken);
    const found = snapshot(broken);
    expect(isFault(found) ? found.text : "").toContain("a link to a file that is not there");
  });

  posixTest("keeps its copies for the owner alone and leaves no other file behind", async () => {
    using scene = new Scene();
    const path = scene.file("a", "secret");
    const { id } = await scene.apply(scene.change(path, "none"));
    const home = scene.directory.file("backups", id ?? "");
    for (const name of readdirSync(home)) {
      expect(statSync(join(home, name)).mode & 0o077).toBe(0);
    }
    expect(readdirSync(scene.directory.path).sort()).toEqual(["a", "backups"]);
  });

  test("knows what a file was before the last command, as long as nobody else wrote it", async () => {
    using scene = new Scene();
    const path = scene.file("a", "1");
    await scene.apply(scene.change(path, "one"));
    const earlier = scene.journal.before(scene.change(path, null).before);
    expect(new TextDecoder().decode(earlier?.bytes ?? undefined)).toBe("1");
    writeFileSync(path, "else");
    expect(scene.journal.before(scene.change(path, null).before)).toBeNull();
  });

  test("says so when it cannot keep copies, and writes nothing", async () => {
    using scene = new Scene();
    const path = scene.file("a", "1");
    mkdirSync(scene.directory.file("x"));
    const journal = new Journal(scene.file("backups", "a file in the way"), systemClock);
    const result = await journal.apply("setup", [scene.change(path, "one")]);
    expect(isFault(result) ? result.text : "").toContain("Cannot keep the copies");
    expect(textAt(path)).toBe("1");
  });
});
