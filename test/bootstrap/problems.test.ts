import { expect, test } from "bun:test";

import { judgeServer } from "../../src/bootstrap/problems.ts";
import type { SupervisedServer } from "../../src/control/supervision.ts";
import { Conditions } from "../../src/core/condition.ts";
import { fault } from "../../src/core/fault.ts";
import { VERSION } from "../../src/version.ts";

const READY: SupervisedServer = {
  state: "ready",
  pid: 1,
  version: VERSION,
  urls: null,
  restarts: 0,
  lastExit: null,
};

/** The conditions of one look after another, as "name severity". */
function looks(): (server: Partial<SupervisedServer>, crashes?: number) => readonly string[] {
  const conditions = new Conditions();
  conditions.raise({
    name: "config.invalid",
    subject: "/config",
    severity: "error",
    text: "",
    hint: "",
    sinceMs: 0,
  });
  return (server, crashes = 0) => {
    judgeServer(conditions, { server: { ...READY, ...server }, problem: null, crashes, atMs: 1 });
    return conditions
      .list()
      .filter(({ name }) => name !== "config.invalid")
      .map(({ name, severity }) => `${name} ${severity}`);
  };
}

test("a server that is well, off, crashing or another version is told, and told no longer", () => {
  const look = looks();
  expect(look({})).toEqual([]);
  expect(look({ state: "disabled" })).toEqual(["daemon.disabled info"]);
  expect(look({ state: "waiting", lastExit: "exit code 1" }, 3)).toEqual(["server.crashing error"]);
  expect(look({}, 3)).toEqual(["server.crashing warning"]);
  expect(look({ version: "9.9.9" })).toEqual(["bootstrap.outdated warning"]);
  expect(look({})).toEqual([]);
});

test("what the server said itself goes before how often it ended", () => {
  const conditions = new Conditions();
  const server = { ...READY, state: "waiting" as const };
  const problem = fault("daemon.running", "One runs");
  judgeServer(conditions, { server, problem, crashes: 4, atMs: 1 });
  expect(conditions.list()).toMatchObject([{ name: "daemon.running", text: "One runs" }]);
});
