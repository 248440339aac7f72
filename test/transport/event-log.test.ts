import { describe, expect, test } from "bun:test";

import { LIMITS } from "../../src/core/limits.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { EventLog, type LoggedStream } from "../../src/transport/event-log.ts";
import type { EventStream } from "../../src/transport/event-stream.ts";
import { Heartbeat } from "../../src/transport/heartbeat.ts";
import { BeatClock } from "../helpers/doors.ts";

/** A clock whose time passes when the test says so. */
class LateClock extends BeatClock {
  #laterMs = 0;

  override monotonic = (): number => systemClock.monotonic() + this.#laterMs;

  wait(delayMs: number): void {
    this.#laterMs += delayMs;
    this.beat(1);
  }
}

function fresh() {
  const clock = new LateClock();
  return { clock, log: new EventLog(clock, new Heartbeat(clock)) };
}

const SESSION = { id: "s", protocolVersion: "2025-11-25" };
const OLDER = { id: "o", protocolVersion: "2025-06-18" };

const connect = (stream: LoggedStream, after: number | null = null): EventStream =>
  stream.connect(after, () => undefined);

/** The events of an ended connection: the id and the data of each. */
async function eventsOf(connection: EventStream): Promise<readonly (readonly [string, string])[]> {
  const text = await new Response(connection.body).text();
  return [...text.matchAll(/^id: (.*)\n(?:retry: \d+\n)?data: (.*)\n\n/gm)].map(
    ([, id = "", data = ""]) => [id, data],
  );
}

describe("EventLog", () => {
  test("a stream begins with an id to come back with, in the revisions that know it", async () => {
    const { log } = fresh();
    const stream = log.answer(SESSION);
    const connection = connect(stream);
    stream.send("answer");
    stream.end();
    const text = await new Response(connection.body).text();
    expect(text).toMatch(/^id: \w+-1-0\nretry: \d+\ndata: \n\nid: \w+-1-1\ndata: answer\n\n$/);
    const older = log.answer(OLDER);
    const unprimed = connect(older);
    older.send("answer");
    older.end();
    expect(await new Response(unprimed.body).text()).toMatch(/^id: \w+-2-1\ndata: answer\n\n$/);
  });

  test("a stream goes on after the event that is named, and on no other stream", async () => {
    const { log } = fresh();
    const stream = log.answer(SESSION);
    const other = log.answer(SESSION);
    const first = connect(stream);
    stream.send("one");
    other.send("not yours");
    stream.send("two");
    const second = connect(stream, 1);
    stream.send("three");
    stream.end();
    const [, one] = await eventsOf(first);
    const after = log.find("s", one?.[0] ?? "");
    expect(after).toMatchObject({ after: 1 });
    expect(after?.stream).toBe(stream);
    expect((await eventsOf(second)).map(([, data]) => data)).toEqual(["two", "three"]);
  });

  test("an answer that came while nobody was connected is there, then the stream ends", async () => {
    const { log } = fresh();
    const stream = log.answer(SESSION);
    stream.send("answer");
    stream.end();
    expect(await eventsOf(connect(stream, 0))).toMatchObject([[expect.any(String), "answer"]]);
  });

  test("ids of another session, another daemon or nobody mean nothing", async () => {
    const { log } = fresh();
    const stream = log.answer(SESSION);
    const connection = connect(stream);
    stream.send("x");
    stream.end();
    const [[id] = [""]] = await eventsOf(connection);
    expect(log.find("s", id)).toBeDefined();
    expect(log.find("o", id)).toBeUndefined();
    expect(fresh().log.find("s", id)).toBeUndefined();
    for (const wrong of ["", "-", "a-b-c", `${id}x`, "__proto__", id.replace(/-1-/, "-9-")]) {
      expect(log.find("s", wrong)).toBeUndefined();
    }
  });

  test("keeps so many bytes of a session, the newest event whatever its size", () => {
    const { log } = fresh();
    const stream = log.answer(SESSION);
    const text = "x".repeat(100_000);
    for (let count = 0; count < 100; count += 1) stream.send(text);
    expect(log.bytes).toBeLessThanOrEqual(LIMITS.eventLogSessionBytes);
    expect(log.bytes).toBeGreaterThan(LIMITS.eventLogSessionBytes - text.length);
    const huge = "y".repeat(LIMITS.eventLogSessionBytes + 1);
    stream.send(huge);
    expect(stream.entries.map((entry) => entry.text)).toEqual([huge]);
    log.forget("s");
    expect(log.bytes).toBe(0);
  });

  test("keeps so many bytes in all", () => {
    const { log } = fresh();
    const text = "x".repeat(LIMITS.eventLogSessionBytes);
    for (let session = 0; session < 40; session += 1) {
      log.answer({ ...SESSION, id: `${session}` }).send(text);
    }
    expect(log.bytes).toBeLessThanOrEqual(LIMITS.eventLogBytes);
    expect(log.bytes).toBeGreaterThan(LIMITS.eventLogBytes - text.length);
  });

  test("keeps what a connection was given only for a client that can ask for it again", () => {
    const { log } = fresh();
    const given: string[] = [];
    const connection = { send: (text: string) => given.push(text), end: () => undefined };
    for (const resumable of [true, false]) {
      const stream = log.whole(SESSION, resumable);
      stream.carry(connection, null);
      stream.send("given");
      expect(log.bytes).toBe(resumable ? 5 : 0);
      stream.drop(connection);
      stream.send("unheard");
      expect(stream.unheard).toBe(true);
      stream.carry(connection, null);
      expect(given.splice(0)).toEqual(["given", "unheard"]);
      log.forget(SESSION.id);
    }
  });

  test("forgets with time, but not an answer that is still to come", () => {
    const { clock, log } = fresh();
    const open = log.answer(SESSION);
    const over = log.answer(SESSION);
    const standing = log.standing(SESSION);
    for (const stream of [open, over, standing]) stream.send("x");
    over.end();
    const mark = /\w+/.exec(log.idLine(open, 1).slice(4))?.[0] ?? "";
    const known = (stream: LoggedStream): boolean =>
      log.find("s", `${mark}-${stream.number}-1`) !== undefined;
    expect([open, over, standing].map(known)).toEqual([true, true, true]);
    clock.wait(LIMITS.eventLogMs + 1);
    expect(log.bytes).toBe(0);
    expect([open, over, standing].map(known)).toEqual([true, false, false]);
    open.send("at last");
    open.end();
    expect(known(open)).toBe(true);
  });

  test("a stream that carries nothing costs nothing", () => {
    const { log } = fresh();
    connect(log.standing(SESSION));
    expect(log.find("s", log.idLine(log.standing(SESSION), 0).slice(4, -1))).toBeUndefined();
    expect(log.bytes).toBe(0);
  });
});
