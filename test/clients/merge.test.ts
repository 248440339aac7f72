import { describe, expect, test } from "bun:test";

import { type FoundServer, mergeServers, type Rules } from "../../src/clients/merge.ts";
import { nameProblem } from "../../src/config/schema-upstream.ts";

const files = new Map<string, string>();
const RULES: Rules = {
  nameProblem,
  entryProblem: () => null,
  secretFile: (server, slot) => `/secrets/${server}-${slot}`,
  reveal: (file) => files.get(file) ?? null,
};

function seen(source: string, name: string, entry: FoundServer["entry"]): FoundServer {
  return { source, name, entry };
}

const FILES = { command: "npx", args: ["files", "/srv"] };

describe("merging", () => {
  test("makes one upstream of the same server in several clients", () => {
    const merged = mergeServers(
      new Map(),
      [
        seen("cursor", "files", FILES),
        seen("codex", "fs", { ...FILES, env: {} }),
        seen("zed", "files", { ...FILES, args: ["files", "/other"] }),
      ],
      RULES,
    );
    expect(merged.map(({ name, found }) => [name, found.length])).toEqual([
      ["files", 2],
      ["files-zed", 1],
    ]);
  });

  test("adds nothing that the config has, also when its secret is in a file there", () => {
    files.set("/secrets/a-API_TOKEN", "t0k3n-t0k3n-t0k3n");
    const standing = { command: "a", env: { API_TOKEN: { file: "/secrets/a-API_TOKEN" } } };
    const found = { command: "a", env: { API_TOKEN: "t0k3n-t0k3n-t0k3n" } };
    const same = mergeServers(new Map([["a", standing]]), [seen("cursor", "x", found)], RULES);
    expect(same.map(({ name, isNew }) => [name, isNew])).toEqual([["a", false]]);
    const other = { command: "a", env: { API_TOKEN: "another-another" } };
    const next = mergeServers(new Map([["a", standing]]), [seen("cursor", "a", other)], RULES);
    expect(next.map(({ name, isNew }) => [name, isNew])).toEqual([["a-cursor", true]]);
  });

  test("gives a name that may be to one that may not", () => {
    const names = ["my server!", "mcpd", "a__b", "…", "x".repeat(60), "mcpd"];
    const found = names.map((name, at) => seen("cursor", name, { command: `c${at}` }));
    const merged = mergeServers(new Map(), found, RULES);
    expect(merged.map(({ name }) => name)).toEqual([
      "my-server-",
      "mcpd-cursor",
      "a_b",
      "server",
      "x".repeat(40),
      "mcpd-2",
    ]);
    for (const { name } of merged) expect(nameProblem(name)).toBeNull();
  });
});

describe("secrets", () => {
  test("never go where another one is, also where case does not count", () => {
    files.set("/secrets/old-TOKEN", "of a server that was removed");
    const found = ["hub", "HUB", "old"].map((name, at) =>
      seen("cursor", name, { command: name, env: { TOKEN: `abcdefgh1${at}` } }),
    );
    const merged = mergeServers(new Map(), found, RULES);
    expect(merged.flatMap(({ secrets }) => secrets.map(({ file }) => file))).toEqual([
      "/secrets/hub-TOKEN",
      "/secrets/HUB-TOKEN_2",
      "/secrets/old-TOKEN_2",
    ]);
  });

  test("in plain text in the config are those of a client, which is not added again", () => {
    const entry = { command: "a", args: ["--token", "abcdefgh12"], env: { API_KEY: "hijklmno34" } };
    const merged = mergeServers(new Map([["a", entry]]), [seen("cursor", "a", entry)], RULES);
    expect(merged.map(({ isNew }) => isNew)).toEqual([false]);
  });

  const cases: readonly (readonly [
    what: string,
    entry: object,
    becomes: object,
    values: string[],
  ])[] = [
    [
      "of env go to a file",
      { command: "a", env: { GITHUB_TOKEN: "abcdefgh12", MODE: "fast" } },
      { env: { GITHUB_TOKEN: { file: "/secrets/a-GITHUB_TOKEN" }, MODE: "fast" } },
      ["abcdefgh12"],
    ],
    [
      "of headers keep their scheme",
      { url: "https://x", headers: { Authorization: "Bearer abcdefgh12" } },
      { headers: { Authorization: { file: "/secrets/a-AUTHORIZATION", prefix: "Bearer " } } },
      ["abcdefgh12"],
    ],
    [
      "of args go behind a variable",
      { command: "a", args: ["--api-key", "abcdefgh12", "--db-password=hunter2hunter2", "x"] },
      {
        args: ["--api-key", "${API_KEY}", "--db-password=${DB_PASSWORD}", "x"],
        env: {
          API_KEY: { file: "/secrets/a-API_KEY" },
          DB_PASSWORD: { file: "/secrets/a-DB_PASSWORD" },
        },
      },
      ["abcdefgh12", "hunter2hunter2"],
    ],
    [
      "in a header that is an argument are found",
      { command: "npx", args: ["mcp-remote", "--header", "Authorization: Bearer abcdefgh12"] },
      { args: ["mcp-remote", "--header", "Authorization: Bearer ${AUTHORIZATION}"] },
      ["abcdefgh12"],
    ],
    [
      "in the address of a database are found",
      { command: "pg", args: ["postgresql://ada:hunter2@db/app"] },
      { args: ["postgresql://${LOGIN}@db/app"] },
      ["ada:hunter2"],
    ],
    [
      "that show what they are need no name",
      { command: "a", env: { HUB: "ghp_0123456789abcdefghij" } },
      { env: { HUB: { file: "/secrets/a-HUB" } } },
      ["ghp_0123456789abcdefghij"],
    ],
    [
      "in two places are one file",
      { command: "a", args: ["--token", "abcdefgh12"], env: { TOKEN: "abcdefgh12" } },
      { args: ["--token", "${TOKEN}"], env: { TOKEN: { file: "/secrets/a-TOKEN" } } },
      ["abcdefgh12"],
    ],
    [
      "in the query of an address go behind a variable",
      { url: "https://x.example/mcp?exaApiKey=abcdefgh12&page=2&token=hijklmno34" },
      {
        url: "https://x.example/mcp?exaApiKey=${EXAAPIKEY}&page=2&token=${TOKEN}",
        env: { EXAAPIKEY: { file: "/secrets/a-EXAAPIKEY" }, TOKEN: { file: "/secrets/a-TOKEN" } },
      },
      ["abcdefgh12", "hijklmno34"],
    ],
    [
      "in an address that is an argument, and of its user, go behind variables",
      { command: "npx", args: ["mcp-remote", "https://ada:hunter2@x.example/?key=abcdefgh12"] },
      { args: ["mcp-remote", "https://${LOGIN}@x.example/?key=${KEY}"] },
      ["ada:hunter2", "abcdefgh12"],
    ],
    [
      "in JSON that is a variable take it all along",
      { command: "a", env: { MORE_HEADERS: '{"Authorization": "Bearer abcdefgh12", "X": "y"}' } },
      { env: { MORE_HEADERS: { file: "/secrets/a-MORE_HEADERS" } } },
      ['{"Authorization": "Bearer abcdefgh12", "X": "y"}'],
    ],
    [
      "are passwords, however short",
      {
        command: "a",
        env: { DB_PASSWORD: "pw1", PIN_PASSWORD: "1234", ASK_PASSWORD: "true", NO_PASSWORD: "" },
      },
      { env: { DB_PASSWORD: { file: "/secrets/a-DB_PASSWORD" }, NO_PASSWORD: "" } },
      ["pw1", "1234"],
    ],
    [
      "have files in one directory, whatever a variable is called",
      { command: "a", env: { "../../x/TOKEN": "abcdefgh12", "../../X/TOKEN": "hijklmno34" } },
      {
        env: {
          "../../x/TOKEN": { file: "/secrets/a-______X_TOKEN" },
          "../../X/TOKEN": { file: "/secrets/a-______X_TOKEN_2" },
        },
      },
      ["abcdefgh12", "hijklmno34"],
    ],
    [
      "that are references, numbers or paths stay",
      {
        command: "a",
        args: ["--max-tokens", "4096000000"],
        env: { A_TOKEN: "${A}", KEY_FILE: "/k" },
      },
      { args: ["--max-tokens", "4096000000"], env: { A_TOKEN: "${A}", KEY_FILE: "/k" } },
      [],
    ],
  ];

  test.each(cases)("%s", (_what, entry, becomes, values) => {
    const [merged] = mergeServers(new Map(), [seen("cursor", "a", { ...entry })], RULES);
    expect(merged?.entry).toMatchObject(becomes);
    expect(merged?.secrets.map(({ value }) => value)).toEqual(values);
    for (const value of values) expect(JSON.stringify(merged?.entry)).not.toContain(value);
  });
});
