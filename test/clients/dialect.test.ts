import { describe, expect, test } from "bun:test";

import type { Translated, Where } from "../../src/clients/client.ts";
import { CLIENTS } from "../../src/clients/registry.ts";

const WHERE: Where = { system: "linux", home: "/home/ada", environment: {}, project: null };

function read(id: string, entry: { readonly [key: string]: unknown }): Translated | undefined {
  const client = CLIENTS.find((candidate) => candidate.id === id);
  return client?.places(WHERE)[0]?.dialect.read(entry, WHERE);
}

describe("an entry in our own terms", () => {
  test("has its variables in our notation", () => {
    const args = ["${env:A}/x", "${workspaceFolder}/src", "${userHome}${/}y", "${B:-c}", "$5"];
    expect(read("vscode", { command: "a", args })).toEqual({
      kind: "server",
      entry: { command: "a", args: ["${A}/x", "{project}/src", "/home/ada/y", "${B:-c}", "$5"] },
    });
    expect(read("gemini-cli", { command: "a", env: { K: "$KEY", L: "${LONG}" } })).toEqual({
      kind: "server",
      entry: { command: "a", env: { K: "${KEY}", L: "${LONG}" } },
    });
    const headers = { Authorization: "Bearer $TOKEN" };
    expect(read("gemini-cli", { httpUrl: "https://x", headers })).toMatchObject({
      entry: { headers: { Authorization: "Bearer ${TOKEN}" } },
    });
  });

  test("keeps what the client lets through of its tools", () => {
    const wanted = { entry: { tools: { allow: ["read_*"], deny: ["write"] } } };
    const gemini = { command: "a", includeTools: ["read_*"], excludeTools: ["write"] };
    expect(read("gemini-cli", gemini)).toMatchObject(wanted);
    const codex = { url: "https://x", enabled_tools: ["read_*"], disabled_tools: ["write"] };
    expect(read("codex", codex)).toMatchObject(wanted);
    const windsurf = { command: "a", disabledTools: ["write"] };
    expect(read("windsurf", windsurf)).toMatchObject({ entry: { tools: { deny: ["write"] } } });
  });

  test.each([
    ["cursor", { command: "a", disabled: true }, "switched off"],
    ["codex", { command: "a", enabled: false }, "switched off"],
    ["vscode", { command: "a", envFile: ".env" }, "variables come from a file"],
    ["claude-code", { url: "https://x", headersHelper: "x" }, "headers come from a command"],
    ["gemini-cli", { httpUrl: "https://x", authProviderType: "google_credentials" }, "log in"],
    ["vscode", { command: "a", env: { K: "${input:k}" } }, "only its client knows ${input:k}"],
    ["windsurf", { command: "a", env: { K: "${file:/k}" } }, "only its client knows ${file:/k}"],
    ["cursor", { command: "a", args: ["${workspaceFolderBasename}"] }, "only its client knows"],
    ["vscode", { command: "a", args: ["${fileDirname}"] }, "only its client knows ${fileDirname}"],
    ["cursor", { command: "a", args: [{}] }, "not what its client documents"],
    ["cursor", { command: "a", args: "b" }, "not what its client documents"],
    ["cursor", {}, "neither a command nor a url"],
    ["opencode", { type: "local", command: [] }, "neither a command nor a url"],
  ])("stays in %s when it is %j", (id, entry, why) => {
    expect(read(id, entry)).toMatchObject({ kind: "left", why: expect.stringContaining(why) });
  });
});
