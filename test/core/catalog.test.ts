import { expect, test } from "bun:test";

import fc from "fast-check";

import { fitsTemplate, mergeCatalog, resolveName } from "../../src/core/catalog.ts";
import { listingOf } from "../../src/core/listing.ts";
import { Upstream } from "../../src/core/upstream.ts";
import { unitOf } from "../helpers/unit.ts";

function upstreamWith(name: string, tools: readonly string[]): Upstream {
  const upstream = new Upstream(unitOf(name), { name: "mcpd", version: "test" });
  const entries = tools.map((tool) => ({ name: tool, inputSchema: {} }));
  upstream.listings.set("tools", listingOf(entries));
  return upstream;
}

const names = fc.uniqueArray(fc.stringMatching(/^[a-z_]{1,80}$/), { maxLength: 8 });

test("mergeCatalog() gives every tool one unique name that leads back to it", () => {
  fc.assert(
    fc.property(fc.array(names, { minLength: 1, maxLength: 4 }), (lists) => {
      const upstreams = lists.map((tools, index) => upstreamWith(`up${index}`, tools));
      const catalog = mergeCatalog("tools", upstreams);
      const shown = catalog.entries.map((entry) => String(entry["name"]));
      expect(new Set(shown).size).toBe(shown.length);
      for (const name of shown) {
        const target = catalog.targets.get(name);
        const known = target?.upstream.listings.get("tools")?.entries ?? [];
        expect(known.some((entry) => entry["name"] === target?.name)).toBe(true);
      }
    }),
  );
});

test("mergeCatalog() keeps prefixed names within what clients accept", () => {
  const long = "x".repeat(70);
  const upstreams = [upstreamWith("a", [long]), upstreamWith("b", [long])];
  const shown = mergeCatalog("tools", upstreams).entries.map((entry) => String(entry["name"]));
  expect(shown.map((name) => name.length)).toEqual([64, 64]);
  expect(new Set(shown).size).toBe(2);
});

test("resolveName() takes the long form also where the list shows the short one", () => {
  const upstreams = [upstreamWith("files", ["read"])];
  const catalog = mergeCatalog("tools", upstreams);
  const find = (name: string): Upstream | undefined =>
    upstreams.find((upstream) => upstream.name === name);
  expect(resolveName("read", catalog, find)?.name).toBe("read");
  expect(resolveName("files__read", catalog, find)?.name).toBe("read");
  expect(resolveName("other__read", catalog, find)).toBeUndefined();
});

test("fitsTemplate() compares the literal parts in order", () => {
  expect(fitsTemplate("note://7/text", "note://{id}/text")).toBe(true);
  expect(fitsTemplate("note://7/html", "note://{id}/text")).toBe(false);
  expect(fitsTemplate("db://a/b/c", "db://{table}/{row}/{column}")).toBe(true);
  expect(fitsTemplate("db://a/b", "db://{table}/{row}/{column}")).toBe(false);
  expect(fitsTemplate("fixed://x", "fixed://x")).toBe(true);
  expect(fitsTemplate("ab", "ab{x}b")).toBe(false);
});
