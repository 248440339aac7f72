import { describe, expect, test } from "bun:test";

import type { Client, Place, Where } from "../../src/clients/client.ts";
import { editServers, readServers } from "../../src/clients/document.ts";
import { CLIENTS } from "../../src/clients/registry.ts";
import { isFault } from "../../src/core/fault.ts";
import { FIXTURES } from "./fixtures.ts";

const WHERE: Where = { system: "linux", home: "/home/ada", environment: {}, project: null };
const BRIDGE = { kind: "bridge", command: "/opt/mcpd/bin/mcpd", args: ["bridge"] } as const;

function placeOf(client: Client): Place {
  const [place] = client.places(WHERE);
  if (place === undefined) throw new Error(`${client.id} has no file`);
  return place;
}

function edited(
  text: string,
  place: Place,
  set: readonly string[],
  remove: readonly string[],
): string {
  const entries = set.map((name) => [name, place.dialect.write(BRIDGE, name)] as const);
  const result = editServers(text, place.shape, "a file", { set: entries, remove });
  if (isFault(result)) throw new Error(result.text);
  return result;
}

describe.each(CLIENTS.map((client) => [client.id, client] as const))("%s", (id, client) => {
  const place = placeOf(client);
  const fixture = FIXTURES[id] ?? { text: "", servers: [] };

  test("has its servers read from its documented format", () => {
    const servers = readServers(fixture.text, place.shape, "a file");
    if (isFault(servers)) throw new Error(servers.text);
    const read = [...servers].map(
      ([name, entry]) => [name, place.dialect.read(entry, WHERE).kind] as const,
    );
    const named = (kind: string): string[] =>
      read.filter(([, found]) => found === kind).map(([name]) => name);
    expect(named("server")).toEqual([...fixture.servers]);
    expect(named("left")).toEqual([...(fixture.left ?? [])]);
    const memory = place.dialect.read(servers.get("memory") ?? {}, WHERE);
    expect(memory).toMatchObject({
      entry: { command: "npx", args: ["-y", "@modelcontextprotocol/server-memory"] },
    });
  });

  test("gets an entry and loses it again without another byte changing", () => {
    const connected = edited(fixture.text, place, ["mcpd"], []);
    expect(connected).toContain("/opt/mcpd/bin/mcpd");
    expect(edited(connected, place, [], ["mcpd"])).toBe(fixture.text);
  });

  test("gets an entry again without a second one", () => {
    const once = edited(fixture.text, place, ["mcpd"], []);
    expect(edited(once, place, ["mcpd"], [])).toBe(once);
  });

  test("keeps every line that is not of a server taken out", () => {
    const after = edited(fixture.text, place, ["mcpd"], fixture.servers);
    for (const name of fixture.left ?? []) expect(after).toContain(name);
    const kept = readServers(after, place.shape, "a file");
    if (isFault(kept)) throw new Error(kept.text);
    expect([...kept.keys()].sort()).toEqual([...(fixture.left ?? []), "mcpd"].sort());
    const comments =
      fixture.text.match(/(#|\/\/ |\/\* )(My|the|Zed|servers|dark|keep|comment).*/g) ?? [];
    for (const comment of comments) expect(after).toContain(comment);
  });

  test("gets a file of its own when it has none", () => {
    const text = edited("", place, ["mcpd"], []);
    const servers = readServers(text, place.shape, "a file");
    expect(isFault(servers) ? null : [...servers.keys()]).toEqual(["mcpd"]);
    expect(text.endsWith("\n")).toBe(true);
  });
});

test("a list deep in a file is changed, with all that leads to it made where it is missing", () => {
  const shape = { format: "json", path: ["projects", "/a", "mcpServers"] } as const;
  const text =
    '{ "projects": { "/b": { "x": 1 }, "/a": { "y": [2], "mcpServers": { "s": {} } } } }';
  const entry = { command: "mcpd" };
  const edits = { set: [["mcpd", entry] as const], remove: ["s"] };
  const after = editServers(text, shape, "f", edits);
  expect(isFault(after) ? after.text : JSON.parse(after)).toEqual({
    projects: { "/b": { x: 1 }, "/a": { y: [2], mcpServers: { mcpd: entry } } },
  });
  for (const empty of ["{}", '{ "projects": {} }', '{ "projects": { "/a": { "y": 1 } } }']) {
    const made = editServers(empty, shape, "f", { set: [["mcpd", entry]], remove: [] });
    expect(isFault(made) ? made.text : JSON.parse(made)).toMatchObject({
      projects: { "/a": { mcpServers: { mcpd: entry } } },
    });
  }
});
