import { describe, expect, test } from "bun:test";

import { Conditions } from "../../src/core/condition.ts";
import { type Clock, systemClock } from "../../src/lib/clock.ts";
import { FrontDoor } from "../../src/server/front-door.ts";
import { silentLog } from "../helpers/doors.ts";
import { freePort } from "../helpers/port.ts";

/** Reserved for documentation (RFC 5737): no machine has it. */
const NOBODYS = "203.0.113.7";
const HERE = "127.0.0.1";

/** A front door whose next attempt comes when the test says so. */
class Scene implements AsyncDisposable {
  readonly conditions = new Conditions();
  readonly front: FrontDoor;
  #retry: () => void = () => undefined;

  constructor() {
    const clock: Clock = {
      ...systemClock,
      after: (_delayMs, action) => {
        this.#retry = action;
        return { cancel: () => (this.#retry = () => undefined) };
      },
    };
    const websocket = () => ({ message: () => undefined });
    const app = { fetch: () => new Response("here"), websocket };
    this.front = new FrontDoor({
      app,
      conditions: this.conditions,
      clock,
      log: silentLog,
      announce: () => {},
    });
  }

  get names(): readonly string[] {
    return this.conditions.list().map(({ name }) => name);
  }

  get port(): number {
    return Number(new URL(this.front.urls?.mcp ?? "http://nowhere").port);
  }

  retry(): void {
    this.#retry();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.front.close(true);
  }
}

async function answers(port: number): Promise<boolean> {
  const response = await fetch(`http://${HERE}:${port}/`).catch(() => null);
  return response !== null;
}

describe("a front door", () => {
  test("tries again for a port in use, until it is free", async () => {
    await using scene = new Scene();
    const other = Bun.serve({ hostname: HERE, port: 0, fetch: () => new Response("other") });
    const port = other.port ?? 0;
    scene.front.open({ host: HERE, port });
    expect([scene.names, scene.front.urls]).toEqual([["port.in-use"], null]);
    await other.stop(true);
    scene.retry();
    expect([scene.names, scene.port]).toEqual([[], port]);
  });

  test("names a host that is not of this machine, tries again, and clears that when moved", async () => {
    await using scene = new Scene();
    scene.front.open({ host: NOBODYS, port: freePort() });
    expect(scene.names).toEqual(["host.unavailable"]);
    expect(scene.conditions.list()[0]?.hint).toContain("daemon.host");
    scene.retry();
    expect(scene.names).toEqual(["host.unavailable"]);
    await scene.front.move({ host: HERE, port: 0 });
    expect(scene.names).toEqual([]);
    expect(await answers(scene.port)).toBe(true);
  });

  test("moved twice at once, leaves no listener behind", async () => {
    await using scene = new Scene();
    const [first, second, third] = [freePort(), freePort(), freePort()];
    scene.front.open({ host: HERE, port: first });
    await Promise.all([
      scene.front.move({ host: HERE, port: second }),
      scene.front.move({ host: HERE, port: third }),
    ]);
    expect(await Promise.all([first, second, third].map(answers))).toEqual([false, false, true]);
    await scene.front.close(true);
    expect(await Promise.all([first, second, third].map(answers))).toEqual([false, false, false]);
  });

  test("moved to nowhere and back serves again; closed meanwhile it stays closed", async () => {
    await using scene = new Scene();
    const address = { host: HERE, port: freePort() };
    scene.front.open(address);
    await scene.front.move(null);
    expect([scene.front.urls, await answers(address.port)]).toEqual([null, false]);
    await scene.front.move(address);
    expect(await answers(address.port)).toBe(true);
    const moving = scene.front.move({ host: HERE, port: freePort() });
    await Promise.all([moving, scene.front.close(true)]);
    expect([scene.front.urls, await answers(address.port)]).toEqual([null, false]);
  });
});
