import { describe, expect, test } from "bun:test";

import { Supervisor } from "../../src/bootstrap/supervisor.ts";
import type { FromServer, ToServer } from "../../src/control/supervision.ts";
import { fault } from "../../src/core/fault.ts";
import type { ServerProcess } from "../../src/supervise/own-server.ts";
import { HandClock } from "../helpers/hand-clock.ts";
import { quietLog } from "../supervise/support.ts";

const URLS = { mcp: "http://127.0.0.1:1/mcp", sse: "", health: "" };

/** A server of words only: it ends when the test says so. */
class FakeServer implements ServerProcess {
  readonly pid: number;
  readonly told: ToServer[] = [];
  readonly ended: Promise<string>;
  readonly end: (words: string) => void;
  readonly say: (message: FromServer) => void;
  killed = false;

  constructor(pid: number, say: (message: FromServer) => void) {
    this.pid = pid;
    this.say = say;
    const { promise, resolve } = Promise.withResolvers<string>();
    this.ended = promise;
    this.end = resolve;
  }

  send(message: ToServer): void {
    this.told.push(message);
  }

  kill(): void {
    this.killed = true;
    this.end("killed by SIGKILL");
  }

  ready(): void {
    this.say({ kind: "ready", version: "1", urls: URLS });
  }
}

class Scene {
  readonly clock = new HandClock();
  readonly servers: FakeServer[] = [];
  readonly supervisor = new Supervisor({
    launch: (heard) => {
      this.servers.push(new FakeServer(this.servers.length + 1, heard));
      return this.last;
    },
    clock: this.clock,
    random: () => 0,
    log: quietLog,
    healthCheckMs: () => 30_000,
    changed: () => undefined,
  });

  get last(): FakeServer {
    const server = this.servers.at(-1);
    if (server === undefined) throw new Error("Nothing was started");
    return server;
  }
}

describe("Supervisor", () => {
  test("starts a server again that ended, and tells how the last one did", async () => {
    const { supervisor, clock, servers } = new Scene();
    supervisor.want(true);
    servers[0]?.ready();
    expect(supervisor.server).toMatchObject({ state: "ready", pid: 1, urls: URLS, restarts: 0 });
    servers[0]?.end("exit code 70");
    await Bun.sleep(0);
    expect(supervisor.server).toMatchObject({ state: "waiting", pid: null, urls: null });
    clock.pass(250);
    expect(servers).toHaveLength(2);
    expect(supervisor.server).toMatchObject({ lastExit: "exit code 70", restarts: 1 });
  });

  test("ends a server that hangs, by time that nobody can set", async () => {
    const { supervisor, clock, servers } = new Scene();
    supervisor.want(true);
    servers[0]?.ready();
    clock.pass(30_000);
    expect(servers[0]?.told).toEqual([{ kind: "ping", id: 1 }]);
    servers[0]?.say({ kind: "pong", id: 1, urls: URLS, utcOffsetMs: 0 });
    // A day back, a day on: no answer is missed, and none is taken for one.
    clock.wallMs -= 86_400_000;
    clock.pass(30_000);
    servers[0]?.say({ kind: "pong", id: 2, urls: URLS, utcOffsetMs: 0 });
    clock.wallMs += 2 * 86_400_000;
    clock.pass(39_999);
    expect(servers[0]?.killed).toBe(false);
    clock.pass(1);
    expect(servers[0]?.killed).toBe(true);
    await Bun.sleep(0);
    expect(supervisor.server.lastExit).toBe("it hung: no answer within 10 s");
  });

  test("asks again after the machine has slept, since the answer slept as well", () => {
    const { supervisor, clock, servers } = new Scene();
    supervisor.want(true);
    servers[0]?.ready();
    clock.pass(30_000);
    clock.suspend(3_600_000);
    expect(servers[0]?.killed).toBe(false);
    expect(servers[0]?.told).toHaveLength(2);
    clock.pass(10_000);
    expect(servers[0]?.killed).toBe(true);
  });

  test("ends a server that does not become ready, or does not stop, in its time", async () => {
    const { supervisor, clock, servers } = new Scene();
    supervisor.want(true);
    clock.pass(30_000);
    await Bun.sleep(0);
    expect(supervisor.server.lastExit).toBe("it was not ready within 30 s");
    clock.pass(250);
    servers[1]?.ready();
    const closed = supervisor.close();
    // A save of the config comes too late.
    supervisor.want(true);
    expect(servers[1]?.told).toEqual([{ kind: "stop" }]);
    clock.pass(14_999);
    expect(servers[1]?.killed).toBe(false);
    clock.pass(1);
    await closed;
    expect(supervisor.server).toMatchObject({
      state: "disabled",
      lastExit: "it did not stop within 15 s",
    });
    clock.pass(3_600_000);
    expect(servers).toHaveLength(2);
  });

  test("knows why a server cannot start, until one can", async () => {
    const { supervisor, clock, servers } = new Scene();
    supervisor.want(true);
    servers[0]?.say({ kind: "failed", fault: fault("daemon.running", "One runs") });
    servers[0]?.end("exit code 75");
    await Bun.sleep(0);
    expect(supervisor.problem).toMatchObject({ code: "daemon.running", text: "One runs" });
    clock.pass(250);
    servers[1]?.ready();
    expect(supervisor.problem).toBeNull();
  });

  test("restarts, and says when the next one is ready or that it ended as well", async () => {
    const { supervisor, clock, servers } = new Scene();
    expect(await supervisor.restart()).toMatchObject({ code: "daemon.disabled" });
    supervisor.want(true);
    servers[0]?.ready();
    const good = supervisor.restart();
    servers[0]?.end("exit code 0");
    await Bun.sleep(0);
    servers[1]?.ready();
    expect(await good).toBeNull();
    const bad = supervisor.restart();
    servers[1]?.end("exit code 0");
    await Bun.sleep(0);
    servers[2]?.end("exit code 1");
    expect(await bad).toMatchObject({ text: "The server has not become ready: exit code 1" });
    clock.pass(250);
    expect(servers).toHaveLength(4);
  });

  test("does not listen to a server that has gone", async () => {
    const { supervisor, clock, servers } = new Scene();
    supervisor.want(true);
    servers[0]?.ready();
    servers[0]?.end("exit code 0");
    await Bun.sleep(0);
    servers[0]?.ready();
    expect(supervisor.server.state).toBe("waiting");
    clock.pass(250);
    servers[0]?.ready();
    expect(supervisor.server.state).toBe("starting");
  });
});
