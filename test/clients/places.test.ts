import { describe, expect, test } from "bun:test";

import type { Where } from "../../src/clients/client.ts";
import { CLIENTS } from "../../src/clients/registry.ts";

const HOMES = {
  linux: "/home/ada",
  darwin: "/Users/ada",
  windows: "C:\\Users\\ada",
} as const;

function paths(system: Where["system"], change: Partial<Where> = {}): { [id: string]: string[] } {
  const where: Where = { system, home: HOMES[system], environment: {}, project: null, ...change };
  return Object.fromEntries(
    CLIENTS.map((client) => {
      const places = client.places(where).filter(({ scope }) => scope === "user");
      return [client.id, places.flatMap((place) => place.paths)];
    }),
  );
}

describe("where clients keep their servers", () => {
  test("on Linux", () => {
    expect(paths("linux")).toMatchInlineSnapshot(`
      {
        "amp": [
          "/home/ada/.config/amp/settings.json",
          "/home/ada/.config/amp/settings.jsonc",
        ],
        "claude-code": [
          "/home/ada/.claude.json",
        ],
        "claude-desktop": [
          "/home/ada/.config/Claude/claude_desktop_config.json",
        ],
        "cline": [
          "/home/ada/.cline/data/settings/cline_mcp_settings.json",
          "/home/ada/.config/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json",
        ],
        "codex": [
          "/home/ada/.codex/config.toml",
        ],
        "continue": [
          "/home/ada/.continue/config.yaml",
        ],
        "cursor": [
          "/home/ada/.cursor/mcp.json",
        ],
        "gemini-cli": [
          "/home/ada/.gemini/settings.json",
        ],
        "goose": [
          "/home/ada/.config/goose/config.yaml",
        ],
        "junie": [
          "/home/ada/.junie/mcp/mcp.json",
        ],
        "lm-studio": [
          "/home/ada/.lmstudio/mcp.json",
        ],
        "opencode": [
          "/home/ada/.config/opencode/opencode.json",
          "/home/ada/.config/opencode/opencode.jsonc",
        ],
        "vscode": [
          "/home/ada/.config/Code/User/mcp.json",
        ],
        "warp": [
          "/home/ada/.warp/.mcp.json",
        ],
        "windsurf": [
          "/home/ada/.codeium/windsurf/mcp_config.json",
        ],
        "zed": [
          "/home/ada/.config/zed/settings.json",
        ],
      }
    `);
  });

  test("on macOS", () => {
    expect(paths("darwin")).toMatchInlineSnapshot(`
      {
        "amp": [
          "/Users/ada/.config/amp/settings.json",
          "/Users/ada/.config/amp/settings.jsonc",
        ],
        "claude-code": [
          "/Users/ada/.claude.json",
        ],
        "claude-desktop": [
          "/Users/ada/Library/Application Support/Claude/claude_desktop_config.json",
        ],
        "cline": [
          "/Users/ada/.cline/data/settings/cline_mcp_settings.json",
          "/Users/ada/Library/Application Support/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json",
        ],
        "codex": [
          "/Users/ada/.codex/config.toml",
        ],
        "continue": [
          "/Users/ada/.continue/config.yaml",
        ],
        "cursor": [
          "/Users/ada/.cursor/mcp.json",
        ],
        "gemini-cli": [
          "/Users/ada/.gemini/settings.json",
        ],
        "goose": [
          "/Users/ada/.config/goose/config.yaml",
        ],
        "junie": [
          "/Users/ada/.junie/mcp/mcp.json",
        ],
        "lm-studio": [
          "/Users/ada/.lmstudio/mcp.json",
        ],
        "opencode": [
          "/Users/ada/.config/opencode/opencode.json",
          "/Users/ada/.config/opencode/opencode.jsonc",
        ],
        "vscode": [
          "/Users/ada/Library/Application Support/Code/User/mcp.json",
        ],
        "warp": [
          "/Users/ada/.warp/.mcp.json",
        ],
        "windsurf": [
          "/Users/ada/.codeium/windsurf/mcp_config.json",
        ],
        "zed": [
          "/Users/ada/.config/zed/settings.json",
        ],
      }
    `);
  });

  test("on Windows", () => {
    expect(paths("windows")).toMatchInlineSnapshot(`
      {
        "amp": [
          "C:\\Users\\ada\\.config\\amp\\settings.json",
          "C:\\Users\\ada\\.config\\amp\\settings.jsonc",
        ],
        "claude-code": [
          "C:\\Users\\ada\\.claude.json",
        ],
        "claude-desktop": [
          "C:\\Users\\ada\\AppData\\Roaming\\Claude\\claude_desktop_config.json",
        ],
        "cline": [
          "C:\\Users\\ada\\.cline\\data\\settings\\cline_mcp_settings.json",
          "C:\\Users\\ada\\AppData\\Roaming\\Code\\User\\globalStorage\\saoudrizwan.claude-dev\\settings\\cline_mcp_settings.json",
        ],
        "codex": [
          "C:\\Users\\ada\\.codex\\config.toml",
        ],
        "continue": [
          "C:\\Users\\ada\\.continue\\config.yaml",
        ],
        "cursor": [
          "C:\\Users\\ada\\.cursor\\mcp.json",
        ],
        "gemini-cli": [
          "C:\\Users\\ada\\.gemini\\settings.json",
        ],
        "goose": [
          "C:\\Users\\ada\\AppData\\Roaming\\Block\\goose\\config\\config.yaml",
        ],
        "junie": [
          "C:\\Users\\ada\\.junie\\mcp\\mcp.json",
        ],
        "lm-studio": [
          "C:\\Users\\ada\\.lmstudio\\mcp.json",
        ],
        "opencode": [
          "C:\\Users\\ada\\.config\\opencode\\opencode.json",
          "C:\\Users\\ada\\.config\\opencode\\opencode.jsonc",
        ],
        "vscode": [
          "C:\\Users\\ada\\AppData\\Roaming\\Code\\User\\mcp.json",
        ],
        "warp": [
          "C:\\Users\\ada\\.warp\\.mcp.json",
        ],
        "windsurf": [
          "C:\\Users\\ada\\.codeium\\windsurf\\mcp_config.json",
        ],
        "zed": [
          "C:\\Users\\ada\\AppData\\Roaming\\Zed\\settings.json",
        ],
      }
    `);
  });

  test("follows the variables that clients document", () => {
    const environment = {
      XDG_CONFIG_HOME: "/cfg",
      CODEX_HOME: "/codex",
      CLAUDE_CONFIG_DIR: "/claude",
    };
    expect(paths("linux", { environment })).toMatchObject({
      codex: ["/codex/config.toml"],
      "claude-code": ["/claude/.claude.json"],
      zed: ["/cfg/zed/settings.json"],
      vscode: ["/cfg/Code/User/mcp.json"],
      cursor: ["/home/ada/.cursor/mcp.json"],
    });
    expect(paths("windows", { environment: { APPDATA: "D:\\Roaming" } })).toMatchObject({
      vscode: ["D:\\Roaming\\Code\\User\\mcp.json"],
      goose: ["D:\\Roaming\\Block\\goose\\config\\config.yaml"],
    });
  });

  test("in a project, for those that have such a file", () => {
    const where: Where = { system: "linux", home: "/h", environment: {}, project: "/work/app" };
    const found = CLIENTS.flatMap((client) =>
      client.places(where).flatMap(({ scope, paths: [first] }) => {
        return scope === "project" ? [[client.id, first?.replace("/work/app/", "")]] : [];
      }),
    );
    expect(Object.fromEntries(found)).toEqual({
      "claude-code": ".mcp.json",
      cursor: ".cursor/mcp.json",
      vscode: ".vscode/mcp.json",
      codex: ".codex/config.toml",
      "gemini-cli": ".gemini/settings.json",
      opencode: "opencode.json",
      continue: ".continue/mcpServers/mcp.json",
      junie: ".junie/mcp/mcp.json",
      warp: ".warp/.mcp.json",
      amp: ".amp/settings.json",
    });
  });
});
