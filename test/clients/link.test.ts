import { describe, expect, test } from "bun:test";

import type { Client } from "../../src/clients/client.ts";
import { isOurs, type Link, wayOf } from "../../src/clients/link.ts";
import { CLIENTS } from "../../src/clients/registry.ts";

const LINK: Link = { program: ["/opt/mcpd/bin/mcpd"], flags: [], http: null };
const SERVICE: Link = {
  ...LINK,
  http: { url: "http://127.0.0.1:8400/mcp", keyFile: "/home/ada/.config/mcpd/api-key" },
};
const ALL = { server: null, project: null };

function client(id: string): Client {
  const found = CLIENTS.find((candidate) => candidate.id === id);
  if (found === undefined) throw new Error(id);
  return found;
}

function entry(id: string, link: Link, what: Parameters<typeof wayOf>[2] = ALL): object {
  const one = client(id);
  const [place] = one.places({ system: "linux", home: "/h", environment: {}, project: null });
  return place?.dialect.write(wayOf(one, link, what), "mcpd") ?? {};
}

describe("the way from a client to the daemon", () => {
  test("is the bridge while nothing keeps a daemon running", () => {
    expect(entry("claude-code", LINK)).toEqual({
      command: "/opt/mcpd/bin/mcpd",
      args: ["bridge"],
      type: "stdio",
    });
    expect(entry("opencode", LINK)).toEqual({
      type: "local",
      command: ["/opt/mcpd/bin/mcpd", "bridge"],
      enabled: true,
    });
  });

  test("is HTTP to a service where the key can be named without being written", () => {
    expect(entry("claude-code", SERVICE)).toEqual({
      type: "http",
      url: "http://127.0.0.1:8400/mcp",
      headersHelper: "/opt/mcpd/bin/mcpd show-key --headers",
    });
    expect(entry("opencode", SERVICE)).toMatchObject({
      type: "remote",
      headers: { Authorization: "Bearer {file:/home/ada/.config/mcpd/api-key}" },
    });
    expect(entry("cursor", SERVICE)).toEqual({ command: "/opt/mcpd/bin/mcpd", args: ["bridge"] });
  });

  test("carries the upstream and the project", () => {
    const what = { server: "files", project: "/work/my app" };
    expect(entry("cursor", LINK, what)).toMatchObject({
      args: ["bridge", "--server", "files", "--project", "/work/my app"],
    });
    expect(entry("claude-code", SERVICE, what)).toMatchObject({
      url: "http://127.0.0.1:8400/mcp/files?project=%2Fwork%2Fmy+app",
    });
  });

  test("quotes a program in a directory with blanks for the shell", () => {
    const link: Link = {
      ...SERVICE,
      program: ["/Applications/My Apps/mcpd"],
      flags: ["--config", "/c"],
    };
    expect(entry("claude-code", link)).toMatchObject({
      headersHelper: '"/Applications/My Apps/mcpd" show-key --headers --config /c',
    });
  });

  test("is recognised in every client, whoever wrote it", () => {
    for (const { id } of CLIENTS) {
      expect([id, isOurs({ ...entry(id, LINK) }, LINK)]).toEqual([id, true]);
      expect([id, isOurs({ ...entry(id, SERVICE) }, LINK)]).toEqual([id, true]);
    }
    const elsewhere = { command: "C:\\Programs\\mcpd\\mcpd.exe", args: ["bridge", "-s", "x"] };
    expect(isOurs(elsewhere, LINK)).toBe(true);
    const fromSource: Link = { ...LINK, program: ["/usr/bin/bun", "/src/main.ts"] };
    expect(isOurs({ command: "/usr/bin/bun", args: ["/src/main.ts", "bridge"] }, fromSource)).toBe(
      true,
    );
    expect(isOurs({ command: "npx", args: ["network", "bridge"] }, LINK)).toBe(false);
    expect(isOurs({ url: "http://127.0.0.1:8400/mcp" }, LINK)).toBe(false);
  });
});
