import { describe, expect, test } from "bun:test";

import { LIMITS } from "../../src/core/limits.ts";
import { EventStream, type Gone } from "../../src/transport/event-stream.ts";
import { Heartbeat } from "../../src/transport/heartbeat.ts";
import { BeatClock } from "../helpers/doors.ts";

function fresh() {
  const clock = new BeatClock();
  const heartbeat = new Heartbeat(clock);
  const gone: Gone[] = [];
  const stream = new EventStream(heartbeat, (why) => void gone.push(why));
  return { clock, heartbeat, gone, stream };
}

const text = (stream: EventStream): Promise<string> => new Response(stream.body).text();

describe("EventStream", () => {
  test("frames events by the rules of Server-Sent Events", async () => {
    const { stream, gone } = fresh();
    stream.send("/here", "event: endpoint\n");
    stream.send('{"a":\n1}');
    stream.comment();
    stream.end();
    expect(await text(stream)).toBe(
      'event: endpoint\ndata: /here\n\ndata: {"a": 1}\n\n: keep-alive\n\n',
    );
    expect(gone).toEqual([]);
  });

  test("hands over what comes while the client waits for it", async () => {
    const { stream } = fresh();
    const reader = stream.body.getReader();
    const decoder = new TextDecoder();
    for (const word of ["one", "two"]) {
      const pending = reader.read();
      expect(stream.send(word)).toBe(true);
      expect(decoder.decode((await pending).value)).toBe(`data: ${word}\n\n`);
    }
    const pending = reader.read();
    stream.end();
    expect((await pending).done).toBe(true);
    expect(stream.send("late")).toBe(false);
  });

  test("takes one message of any size, and is cut off past the limit", async () => {
    const { stream, gone } = fresh();
    const huge = "x".repeat(LIMITS.streamQueueLength * 2);
    expect(stream.send(huge)).toBe(true);
    expect(stream.send("one more")).toBe(false);
    expect(gone).toEqual(["slow"]);
    expect(stream.send("later")).toBe(false);
    expect(await text(stream)).toBe("");
  });

  test("says once that its client has left, and not after end()", async () => {
    const { stream, gone } = fresh();
    await stream.body.cancel();
    expect(gone).toEqual(["left"]);
    expect(stream.send("x")).toBe(false);
    stream.end();
    const ended = fresh();
    ended.stream.send("x");
    ended.stream.end();
    await ended.stream.body.cancel();
    expect(ended.gone).toEqual([]);
  });

  test("comments after a few quiet beats, counted from the last event", async () => {
    const { stream, clock } = fresh();
    clock.beat(LIMITS.quietBeats - 1);
    stream.send("x");
    clock.beat(LIMITS.quietBeats - 1);
    stream.send("y");
    clock.beat(LIMITS.quietBeats);
    stream.end();
    clock.beat(LIMITS.quietBeats);
    expect(await text(stream)).toBe("data: x\n\ndata: y\n\n: keep-alive\n\n");
  });
});
