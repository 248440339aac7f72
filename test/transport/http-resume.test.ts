import { describe, expect, test } from "bun:test";

import { type Doors, framesOf, next, notification, openDoors, result } from "../helpers/doors.ts";

// What Streamable HTTP does for a client whose connection broke (2025-11-25, basic/transports).

const call = (id: number, method: string): string =>
  JSON.stringify({ jsonrpc: "2.0", id, method, params: {} });

function post(doors: Doors, body: string, headers: { [name: string]: string } = {}) {
  return doors.ask("/mcp", { method: "POST", body, headers });
}

async function initialized(doors: Doors, protocolVersion = "2025-11-25") {
  const params = { protocolVersion };
  const body = JSON.stringify({ jsonrpc: "2.0", id: 0, method: "initialize", params });
  const response = await post(doors, body);
  return { "mcp-session-id": response.headers.get("mcp-session-id") ?? "" };
}

type Event = { readonly id: string; readonly data: string };

function eventOf(frame: string): Event {
  const field = (name: string): string => new RegExp(`^${name}: (.*)$`, "m").exec(frame)?.[1] ?? "";
  return { id: field("id"), data: field("data") };
}

/** The events of a response up to its end; comments are left out. */
async function eventsOf(response: Response): Promise<readonly Event[]> {
  const frames = await Array.fromAsync(framesOf(response));
  return frames.filter((frame) => !frame.startsWith(":")).map(eventOf);
}

/** A call that waits, on a stream that has begun; its channel, and what came first. */
async function waitingCall(doors: Doors, session: { [name: string]: string }, id: number) {
  const controller = new AbortController();
  const live = doors.desk.session(0);
  const number = live.waiting.length;
  const responded = doors.ask("/mcp", {
    method: "POST",
    body: call(id, "wait"),
    headers: session,
    signal: controller.signal,
  });
  await doors.desk.until(() => live.waiting.length > number);
  const waiting = live.waiting[number];
  if (waiting === undefined) throw new Error("nothing waits");
  waiting.channel.write(notification("notifications/progress", { progress: 1 }), false);
  const frames = framesOf(await responded);
  const priming = eventOf(await next(frames));
  const progress = eventOf(await next(frames));
  return {
    priming,
    progress,
    progressAgain: () => waiting.channel.write(notification("notifications/progress"), false),
    answer: (value: object) => waiting.channel.write(result(waiting.request, value), true),
    frames,
    leave: () => controller.abort(),
  };
}

function resume(doors: Doors, session: { [name: string]: string }, eventId: string) {
  return doors.ask("/mcp", { headers: { ...session, "last-event-id": eventId } });
}

describe("a client whose connection broke", () => {
  test("gets the answer that came meanwhile, and only what it has missed", async () => {
    await using doors = openDoors();
    const session = await initialized(doors);
    const waiting = await waitingCall(doors, session, 1);
    expect(waiting.priming.data).toBe("");
    waiting.leave();
    waiting.progressAgain();
    waiting.answer({ done: true });
    const events = await eventsOf(await resume(doors, session, waiting.progress.id));
    expect(events.map(({ data }) => JSON.parse(data))).toMatchObject([
      { method: "notifications/progress" },
      { id: 1, result: { done: true } },
    ]);
    // From the very beginning, a second time: it is kept for a while.
    expect(await eventsOf(await resume(doors, session, waiting.priming.id))).toHaveLength(3);
  });

  test("gets the answer that comes later on the connection it has come back with", async () => {
    await using doors = openDoors();
    const session = await initialized(doors);
    const waiting = await waitingCall(doors, session, 1);
    waiting.leave();
    const response = await resume(doors, session, waiting.progress.id);
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    waiting.answer({ late: true });
    const events = await eventsOf(response);
    expect(events.map(({ data }) => JSON.parse(data))).toMatchObject([
      { id: 1, result: { late: true } },
    ]);
  });

  test("gets nothing of another stream, and its own calls stay apart", async () => {
    await using doors = openDoors();
    const session = await initialized(doors);
    const one = await waitingCall(doors, session, 1);
    const two = await waitingCall(doors, session, 2);
    one.leave();
    two.leave();
    two.answer({ of: "two" });
    one.answer({ of: "one" });
    const ofOne = await eventsOf(await resume(doors, session, one.progress.id));
    expect(ofOne.map(({ data }) => JSON.parse(data))).toMatchObject([
      { id: 1, result: { of: "one" } },
    ]);
  });

  test("goes on with the stream for what belongs to no request", async () => {
    await using doors = openDoors();
    const session = await initialized(doors);
    const controller = new AbortController();
    const live = doors.desk.session(0);
    const first = await doors.ask("/mcp", { headers: session, signal: controller.signal });
    const frames = framesOf(first);
    await next(frames);
    live.listener?.write(notification("notifications/one"), false);
    await next(frames);
    const one = eventOf(await next(frames));
    live.listener?.write(notification("notifications/two"), false);
    controller.abort();
    await doors.desk.until(() => live.listener === null);
    const again = framesOf(await resume(doors, session, one.id));
    expect(JSON.parse(eventOf(await next(again)).data).method).toBe("notifications/two");
    await doors.desk.until(() => live.listener !== null);
    live.listener?.write(notification("notifications/three"), false);
    expect(await next(again)).toBe(": keep-alive");
    expect(JSON.parse(eventOf(await next(again)).data).method).toBe("notifications/three");
  });

  test("gets a fresh stream for an id that means nothing", async () => {
    await using doors = openDoors();
    const session = await initialized(doors);
    for (const id of ["", "7", "nothing-1-1", "🙂"]) {
      const response = await resume(doors, session, encodeURIComponent(id));
      expect(response.status).toBe(200);
      const priming = eventOf(await next(framesOf(response)));
      expect(priming).toMatchObject({ data: "", id: expect.stringMatching(/-0$/) });
      await response.body?.cancel().catch(() => undefined);
    }
  });

  test("gets nothing of a session that has ended, or is another's", async () => {
    await using doors = openDoors();
    const session = await initialized(doors);
    const other = await initialized(doors);
    const waiting = await waitingCall(doors, session, 1);
    waiting.leave();
    waiting.answer({ secret: true });
    const response = await resume(doors, other, waiting.progress.id);
    expect(eventOf(await next(framesOf(response))).data).toBe("");
    await doors.ask("/mcp", { method: "DELETE", headers: session });
    expect((await resume(doors, session, waiting.progress.id)).status).toBe(404);
  });

  test("of an older revision has ids to come back with, and no empty event", async () => {
    await using doors = openDoors();
    const session = await initialized(doors, "2025-06-18");
    const response = await post(doors, call(1, "progress"), session);
    const events = await eventsOf(response);
    expect(events.map(({ data }) => data === "")).toEqual([false, false]);
    const again = await eventsOf(await resume(doors, session, events[0]?.id ?? ""));
    expect(again).toEqual(events.slice(1));
  });

  test("that had no stream yet has nothing to come back to: plain answers stay plain", async () => {
    await using doors = openDoors();
    const session = await initialized(doors);
    const response = await post(doors, call(1, "ping"), session);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(await response.text()).not.toContain("id: ");
  });
});
