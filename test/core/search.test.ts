import { describe, expect, test } from "bun:test";

import { measureRecall, readCatalog, readQueries } from "../../scripts/bench/recall.ts";
import { stem, wordsOf } from "../../src/core/search-words.ts";
import { ToolSearch } from "../../src/core/search.ts";

function tool(name: string, description: string): { name: string; description: string } {
  return { name, description };
}

const TOOLS = [
  tool("create_branch", "Creates a branch."),
  tool("getFileInfo", "Returns the size of a file."),
  tool("send_mail", "Sends a message."),
  tool("list_repositories", "Lists all repositories."),
];

function found(query: string): readonly string[] {
  return new ToolSearch(TOOLS).find(query).map((index) => TOOLS[index]?.name ?? "");
}

describe("ToolSearch", () => {
  test("finds by words of the name, however it is written", () => {
    expect(found("file info")[0]).toBe("getFileInfo");
    expect(found("CREATE branch")[0]).toBe("create_branch");
  });

  test("gives all tools in their order for a query without words", () => {
    expect(found(" ?!")).toEqual(TOOLS.map(({ name }) => name));
  });

  test("finds nothing where nothing fits", () => {
    expect(found("xylophone")).toEqual([]);
  });

  test("finds by the beginning of a word, and by a word that is longer", () => {
    expect(found("repo")).toEqual(["list_repositories"]);
    expect(found("branching")).toEqual(["create_branch"]);
  });

  test("finds by words of the same meaning, after the word itself", () => {
    expect(found("deliver email")[0]).toBe("send_mail");
    const tools = [tool("remove_page", "Takes it away."), tool("delete_page", "Takes it away.")];
    expect(new ToolSearch(tools).find("delete page")).toEqual([1, 0]);
  });

  test("finds by words with a slip in them", () => {
    expect(found("brnach")).toEqual(["create_branch"]);
    expect(found("repositries")).toEqual(["list_repositories"]);
  });

  test("finds by the name of the server", () => {
    const tools = [tool("list", "Lists."), tool("list_all", "Lists.")];
    const search = new ToolSearch(tools, (name) => (name === "list_all" ? "jira" : "slack"));
    expect(search.find("list jira")[0]).toBe(1);
  });

  test("does not mind queries of any length", () => {
    expect(found("branch ".repeat(10_000))[0]).toBe("create_branch");
    expect(found("b".repeat(100_000))).toEqual([]);
  });
});

describe("words", () => {
  test.each([
    ["file", "files", "filed", "filing"],
    ["create", "creates", "created", "creating"],
    ["translate", "translates", "translation", "translations"],
    ["query", "queries"],
    ["search", "searches", "searching"],
    ["stop", "stops", "stopped", "stopping"],
    ["call", "calls", "called", "calling"],
  ])("%s has one stem in all its forms", (...forms) => {
    const stems = forms.map((form) => stem(String(form)));
    expect(new Set(stems).size).toBe(1);
  });

  test("words without meaning are left out", () => {
    expect(wordsOf("What is in the file?")).toEqual([stem("file")]);
  });
});

describe("recall", () => {
  const catalog = readCatalog();

  test("the catalog is large, and every label names a tool of it", () => {
    expect(catalog.length).toBeGreaterThanOrEqual(520);
    const ids = new Set(catalog.map(({ id }) => id));
    const queries = [...readQueries("tuned"), ...readQueries("unseen")];
    expect(queries.length).toBeGreaterThanOrEqual(120);
    expect(queries.flatMap(({ tools }) => tools).filter((id) => !ids.has(id))).toEqual([]);
  });

  // What it was when the search was made; it only goes up.
  test.each([
    ["tuned", 0.44, 0.64, 0.72],
    ["unseen", 0.6, 0.78, 0.86],
  ] as const)("the %s queries find their tools as often as ever", (set, at1, at5, at10) => {
    const recall = measureRecall(catalog, set);
    expect(recall.at1).toBeGreaterThanOrEqual(at1);
    expect(recall.at5).toBeGreaterThanOrEqual(at5);
    expect(recall.at10).toBeGreaterThanOrEqual(at10);
  });
});
