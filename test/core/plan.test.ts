import { describe, expect, test } from "bun:test";

import fc from "fast-check";

import { type Plan, plan } from "../../src/core/plan.ts";
import type { DaemonSettings, Revision, ServerSettings } from "../../src/core/revision.ts";
import type { Unit, UnitKey } from "../../src/core/unit.ts";
import { unitOf } from "../helpers/unit.ts";

const daemon: DaemonSettings = {
  enabled: true,
  host: "127.0.0.1",
  port: 8321,
  auth: "api_key",
  apiKeyFile: "/state/key",
  apiKeyEnv: "MCPD_API_KEY",
  cors: { allowedOrigins: [], allowCredentials: false },
  logLevel: "INFO",
  logLevels: {},
  logFormat: "text",
  logBytesMax: 1024,
  logFilesMax: 5,
  configPollMs: 5000,
  healthCheckMs: 30_000,
  autoStart: true,
};

const server: ServerSettings = {
  requestTimeoutMs: 60_000,
  messageBytesMax: 1024,
  answerBytesMax: 1024,
  sessionIdleMs: 1000,
  sessionsMax: 10,
};

function unit(name: string, hash = "1", requestTimeoutMs = 1000, disabled = false): Unit {
  const reach = { kind: "stdio", command: hash, args: [], env: {}, cwd: null } as const;
  const one = unitOf(name, { hash, disabled, reach });
  return { ...one, settings: { ...one.settings, requestTimeoutMs } };
}

function revision(units: readonly Unit[], changes: Partial<DaemonSettings> = {}): Revision {
  return {
    number: 1,
    hash: "",
    path: null,
    clients: [],
    daemon: { ...daemon, ...changes },
    server,
    units,
    warnings: [],
  };
}

function steps(made: Plan): string[] {
  return made.actions.map((action) => `${action.kind} ${action.unit.key}`);
}

describe("plan()", () => {
  test("starts everything that is enabled when there was nothing", () => {
    const made = plan(revision([]), revision([unit("a"), unit("b", "1", 1, true)]));
    expect(steps(made)).toEqual(["start a"]);
    expect(made.changes).toEqual([]);
  });

  test("touches only what changed", () => {
    const old = revision([unit("gone"), unit("same"), unit("moved", "1"), unit("tuned", "1", 5)]);
    const next = revision([unit("tuned", "1", 6), unit("moved", "2"), unit("same"), unit("new")]);
    expect(steps(plan(old, next))).toEqual([
      "settings tuned",
      "replace moved",
      "keep same",
      "start new",
      "stop gone",
    ]);
  });

  test("stops a unit that gets disabled and starts one that gets enabled", () => {
    const old = revision([unit("a"), unit("b", "1", 1, true)]);
    const next = revision([unit("a", "1", 1000, true), unit("b", "1", 1)]);
    expect(steps(plan(old, next))).toEqual(["start b", "stop a"]);
  });

  test("says which settings of the daemon changed", () => {
    const old = revision([]);
    const next = {
      ...revision([], { port: 9000, logLevel: "DEBUG", logLevels: { server: "INFO" } }),
      server: { ...server, sessionsMax: 11 },
    } satisfies Revision;
    expect(plan(old, next).changes).toEqual([
      "daemon.port",
      "daemon.logLevel",
      "daemon.logLevels",
      "server.sessionsMax",
    ]);
  });

  test("carried out on what was there gives exactly what should be there", () => {
    const units = fc
      .uniqueArray(fc.constantFrom("a", "b", "c", "d", "e"))
      .chain((names) =>
        fc.tuple(
          ...names.map((name) =>
            fc
              .tuple(fc.constantFrom("1", "2"), fc.constantFrom(1, 2), fc.boolean())
              .map(([hash, timeoutMs, disabled]) => unit(name, hash, timeoutMs, disabled)),
          ),
        ),
      );
    fc.assert(
      fc.property(units, units, (before, after) => {
        const made = plan(revision(before), revision(after));
        expect(apply(enabled(before), made)).toEqual(enabled(after));
        expect(new Set(steps(made).map((step) => step.split(" ")[1])).size).toBe(
          made.actions.length,
        );
        expect(
          steps(plan(revision(after), revision(after))).every((step) => step.startsWith("keep")),
        ).toBe(true);
      }),
    );
  });
});

function enabled(units: readonly Unit[]): Map<UnitKey, Unit> {
  return new Map(units.filter((each) => !each.disabled).map((each) => [each.key, each]));
}

/** Carries out a plan the way a pool does, and checks that each step makes sense there. */
function apply(pool: Map<UnitKey, Unit>, made: Plan): Map<UnitKey, Unit> {
  for (const { kind, unit: next } of made.actions) {
    const standing = pool.get(next.key);
    expect(standing === undefined).toBe(kind === "start");
    if (kind === "keep") expect(standing).toEqual(next);
    if (kind === "settings") expect(standing?.hash).toBe(next.hash);
    if (kind === "replace") expect(standing?.hash).not.toBe(next.hash);
    if (kind === "stop") pool.delete(next.key);
    else if (kind !== "keep") pool.set(next.key, next);
  }
  return pool;
}
