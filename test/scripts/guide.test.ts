import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { GUIDE, pages, writePages } from "../../scripts/guide.ts";
import { TemporaryDirectory } from "../helpers/temporary.ts";

test("the pages that are made from tables are current (bun run guide writes them)", async () => {
  using directory = new TemporaryDirectory();
  await writePages(directory.path);
  for (const path of pages().keys()) {
    const inTree = readFileSync(join(GUIDE, path), "utf8");
    expect([path, inTree]).toEqual([path, readFileSync(directory.file(path), "utf8")]);
  }
});

test("no page is left of a client that is no longer known", () => {
  const known = [...pages().keys()].filter((path) => path.startsWith("clients/"));
  const there = readdirSync(join(GUIDE, "clients")).map((name) => `clients/${name}`);
  expect(there.toSorted()).toEqual(known.toSorted());
});
