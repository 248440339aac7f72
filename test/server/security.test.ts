import { describe, expect, test } from "bun:test";

import { readConfig } from "../../src/config/resolve.ts";
import { type Condition, Conditions } from "../../src/core/condition.ts";
import { isFault } from "../../src/core/fault.ts";
import type { DaemonSettings } from "../../src/core/revision.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { Security } from "../../src/server/security.ts";
import { testHost } from "../config/host.ts";

function settingsOf(daemon: object): DaemonSettings {
  const revision = readConfig(JSON.stringify({ daemon }), "/mcpd.json", testHost(), 1);
  if (isFault(revision)) throw new Error(revision.text);
  return revision.daemon;
}

/** The conditions of one config after the other, under one key that the environment holds. */
function conditionsOf(...daemons: readonly object[]): readonly (readonly Condition[])[] {
  const conditions = new Conditions();
  const environment = { MCPD_API_KEY: "mcpd_test-key-that-is-long-enough" };
  const [first = {}, ...others] = daemons.map(settingsOf);
  const security = new Security({
    daemon: first as DaemonSettings,
    environment,
    conditions,
    clock: systemClock,
  });
  return [
    conditions.list(),
    ...others.map((daemon) => {
      security.update(daemon);
      return conditions.list();
    }),
  ];
}

describe("a daemon that asks for no key", () => {
  const cors = { allowed_origins: ["http://localhost:*", "https://app.example.com"] };

  test("warns", () => {
    const [[only, ...others] = []] = conditionsOf({ auth: "none" });
    expect(others).toEqual([]);
    expect(only).toMatchObject({ name: "gate.open", severity: "warning" });
  });

  test("and lets web pages in is an error that names them, until either is mended", () => {
    const [open, closed, keyed] = conditionsOf(
      { auth: "none", cors },
      { auth: "none" },
      { auth: "api_key", cors },
    );
    expect(open?.map(({ name, severity }) => [name, severity])).toEqual([["gate.open", "error"]]);
    expect(open?.[0]?.text).toContain("https://app.example.com");
    expect(closed?.map(({ severity }) => severity)).toEqual(["warning"]);
    expect(keyed).toEqual([]);
  });
});
