import { describe, expect, test } from "bun:test";

import { discoverConfig } from "../../src/config/discover.ts";

const paths = { configFile: "/c/mcpd.config.json" };
const present = (): boolean => true;
const absent = (): boolean => false;

describe("discoverConfig()", () => {
  test("--config wins over everything, relative to the working directory", () => {
    const env = { MCPD_CONFIG: "/e.json" };
    expect(discoverConfig({ flag: "x.json", env, paths, exists: present, cwd: "/w" })).toEqual({
      path: "/w/x.json",
      origin: "flag",
    });
  });

  test("the file in the config directory wins over the environment", () => {
    const env = { MCPD_CONFIG: "/e.json" };
    expect(discoverConfig({ env, paths, exists: present })).toEqual({
      path: "/c/mcpd.config.json",
      origin: "config-dir",
    });
  });

  test("the environment counts when there is no such file", () => {
    const env = { MCPD_CONFIG: "e.json" };
    expect(discoverConfig({ env, paths, exists: absent, cwd: "/w" })).toEqual({
      path: "/w/e.json",
      origin: "environment",
    });
  });

  test("else the defaults hold, and the file would be made in the config directory", () => {
    const env = { MCPD_CONFIG: "" };
    expect(discoverConfig({ flag: null, env, paths, exists: absent })).toEqual({
      path: "/c/mcpd.config.json",
      origin: "defaults",
    });
  });
});
