import { expect, test } from "bun:test";

import { darwinPaths } from "../../src/platform/darwin.ts";
import { linuxPaths } from "../../src/platform/linux.ts";
import { windowsPaths } from "../../src/platform/windows.ts";

test("linuxPaths() lays the documented trees out", () => {
  expect(linuxPaths({}, "/home/ada")).toEqual({
    programsDir: "/home/ada/.local/share/mcpd",
    program: "/home/ada/.local/share/mcpd/bin/mcpd",
    configDir: "/home/ada/.config/mcpd",
    configFile: "/home/ada/.config/mcpd/mcpd.config.json",
    stateDir: "/home/ada/.local/state/mcpd",
    logsDir: "/home/ada/.local/state/mcpd/logs",
    dataDir: "/home/ada/.local/state/mcpd/data",
    keptDir: "/home/ada/.local/state/mcpd/data",
    cacheDir: "/home/ada/.cache/mcpd",
    apiKeyFile: "/home/ada/.config/mcpd/api-key",
    templatesDir: "/home/ada/.config/mcpd/templates",
    announcementFile: "/home/ada/.local/share/Claude/mcp-daemons/mcpd.json",
    runtimeFile: "/home/ada/.local/state/mcpd/data/runtime.json",
    trialFile: "/home/ada/.local/state/mcpd/data/trial.json",
    ledgerFile: "/home/ada/.local/state/mcpd/data/ledger.json",
  });
});

test("linuxPaths() honours the XDG variables, but not relative ones", () => {
  const environment = {
    XDG_DATA_HOME: "/x/data",
    XDG_CONFIG_HOME: "/x/config",
    XDG_STATE_HOME: "state",
    XDG_CACHE_HOME: "",
  };
  expect(linuxPaths(environment, "/home/ada")).toMatchObject({
    programsDir: "/x/data/mcpd",
    configDir: "/x/config/mcpd",
    stateDir: "/home/ada/.local/state/mcpd",
    cacheDir: "/home/ada/.cache/mcpd",
  });
});

test("darwinPaths() lays the documented trees out", () => {
  expect(darwinPaths("/Users/ada")).toMatchObject({
    programsDir: "/Users/ada/Library/Application Support/mcpd",
    configDir: "/Users/ada/Library/Preferences/mcpd",
    configFile: "/Users/ada/Library/Preferences/mcpd/mcpd.config.json",
    logsDir: "/Users/ada/Library/Logs/mcpd",
    stateDir: "/Users/ada/Library/Caches/mcpd",
    dataDir: "/Users/ada/Library/Caches/mcpd/data",
    keptDir: "/Users/ada/Library/Application Support/mcpd/data",
  });
});

test("windowsPaths() lays the documented trees out", () => {
  const paths = windowsPaths({ LOCALAPPDATA: "D:\\Local" }, "C:\\Users\\Ada", "Ada");
  expect(paths).toMatchObject({
    programsDir: "D:\\Local\\Programs\\mcpd",
    configDir: "D:\\Local\\mcpd\\config",
    configFile: "D:\\Local\\mcpd\\config\\mcpd.config.json",
    logsDir: "D:\\Local\\mcpd\\logs",
    dataDir: "D:\\Local\\mcpd\\data",
  });
  expect(windowsPaths({}, "C:\\Users\\Ada", "Ada").stateDir).toBe(
    "C:\\Users\\Ada\\AppData\\Local\\mcpd",
  );
});

test("windowsPaths() names a pipe per user and tree, whatever the case", () => {
  const pipe = (user: string, local: string): string =>
    windowsPaths({ LOCALAPPDATA: local }, "C:\\Users\\Ada", user).controlAddress;
  expect(pipe("Ada", "C:\\a")).toMatch(/^\\\\\.\\pipe\\mcpd-[0-9a-f]{16}$/);
  expect(pipe("ADA", "c:\\A")).toBe(pipe("Ada", "C:\\a"));
  expect(pipe("Bob", "C:\\a")).not.toBe(pipe("Ada", "C:\\a"));
  expect(pipe("Ada", "C:\\b")).not.toBe(pipe("Ada", "C:\\a"));
});
