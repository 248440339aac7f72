import { expect, test } from "bun:test";

import type { FromServer } from "../../src/control/supervision.ts";
import { startOwnServer } from "../../src/supervise/own-server.ts";
import { fixture } from "./support.ts";

const COMMAND = [process.execPath, "run", fixture("supervised.ts")];

test("a server hears and is heard, and gets nothing that steers the runtime or is systemd's", async () => {
  const { promise, resolve } = Promise.withResolvers<FromServer>();
  const environment = {
    PATH: process.env["PATH"],
    KEPT: "1",
    BUN_BE_BUN: "1",
    BUN_OPTIONS: "--smol",
    NODE_OPTIONS: "--inspect",
    NOTIFY_SOCKET: "/run/notify",
    WATCHDOG_USEC: "1",
    WATCHDOG_PID: "1",
  };
  const server = startOwnServer({ command: COMMAND, environment, heard: resolve });
  expect(await promise).toMatchObject({ kind: "config", problem: "KEPT" });
  server.send({ kind: "stop" });
  expect(await server.ended).toBe("exit code 7");
  // What is said too late is no error.
  server.send({ kind: "stop" });
});

test("a server that is killed, or cannot be started, says so", async () => {
  const heard = (): undefined => undefined;
  const server = startOwnServer({ command: COMMAND, environment: process.env, heard });
  server.kill();
  expect(await server.ended).toContain("killed by SIGKILL");
  const none = startOwnServer({ command: ["/nowhere/mcpd"], environment: {}, heard });
  expect(none.pid).toBeNull();
  none.send({ kind: "stop" });
  none.kill();
  expect(await none.ended).toBe("it cannot be started: there is no such file");
});
