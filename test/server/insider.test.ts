import { expect, test } from "bun:test";

import { type Fault, fault } from "../../src/core/fault.ts";
import {
  encode,
  type Message,
  type Params,
  type Request,
  type Response,
  resultResponse,
} from "../../src/core/message.ts";
import { Insider, type InsiderDesk } from "../../src/server/insider.ts";
import type { Channel, Opening, SessionPort } from "../../src/transport/door.ts";
import { waitFor } from "../helpers/wait.ts";

/** A desk whose handshakes wait until they are let through, as with an upstream that starts. */
class SlowDesk implements InsiderDesk {
  readonly heard: string[] = [];
  /** Of the calls, in their order. */
  readonly channels: Channel[] = [];
  /** To what was asked on them. */
  readonly answers: Response[] = [];
  readonly sessions = new Map<string, SessionPort>();
  readonly #held: (() => void)[] = [];

  open({ view }: Opening): SessionPort {
    const id = String(this.sessions.size);
    const session: SessionPort = {
      id,
      view,
      protocolVersion: null,
      receive: (message, channel) => this.#receive(message, channel),
      listen: () => () => {},
      sleep: () => undefined,
      close: () => void this.sessions.delete(id),
    };
    this.sessions.set(id, session);
    return session;
  }

  find(id: string): SessionPort | Fault {
    return this.sessions.get(id) ?? fault("session.unknown");
  }

  shown(): undefined {}

  letThrough(): void {
    for (const go of this.#held.splice(0)) go();
  }

  #receive(message: Message, channel: Channel): void {
    if (message.kind === "response") return void this.answers.push(message);
    if (message.method === "tools/call") this.channels.push(channel);
    this.heard.push(message.method);
    if (message.kind !== "request") return;
    if (message.method === "initialize") this.#held.push(() => answer(message, channel));
    else answer(message, channel);
  }
}

function answer(request: Request, channel: Channel): void {
  channel.write(encode(resultResponse(request.id, {})), true);
}

const place = { view: { kind: "one", upstream: "slow" }, project: null } as const;

test("request() is not sent any more when it was given up during the handshake", async () => {
  const desk = new SlowDesk();
  const abort = new AbortController();
  const { signal } = abort;
  const outcome = new Insider(desk).request(place, "tools/call", {}, { signal });
  abort.abort();
  desk.letThrough();
  expect(await outcome).toMatchObject({
    ok: false,
    error: { data: { fault: "exchange.cancelled" } },
  });
  expect(desk.heard).toEqual(["initialize"]);
});

test("requests that come together share one session", async () => {
  const desk = new SlowDesk();
  const insider = new Insider(desk);
  const outcomes = [1, 2, 3].map(() => insider.request(place, "tools/call", {}));
  desk.letThrough();
  expect((await Promise.all(outcomes)).every(({ ok }) => ok)).toBe(true);
  expect(desk.sessions.size).toBe(1);
  expect(desk.heard.filter((method) => method === "initialize")).toHaveLength(1);
});

test("a question of a server is answered by whoever made the call, and by nobody else", async () => {
  const desk = new SlowDesk();
  const insider = new Insider(desk);
  const onQuestion = (asked: Params): Promise<Params> =>
    Promise.resolve({ action: "accept", content: asked });
  const outcomes = [{ onQuestion }, {}].map((options) =>
    insider.request(place, "tools/call", {}, options),
  );
  desk.letThrough();
  await Promise.all(outcomes);
  const [able, unable] = desk.channels;
  expect([able?.capabilities, able?.streams]).toEqual([
    { elicitation: { form: {}, url: {} } },
    true,
  ]);
  expect([unable?.capabilities, unable?.streams]).toEqual([{}, false]);
  const method = "elicitation/create";
  able?.write(encode({ kind: "request", id: 7, method, params: { a: 1 } }), false);
  unable?.write(encode({ kind: "request", id: 8, method, params: {} }), false);
  await waitFor("two answers", () => desk.answers.length === 2);
  expect(desk.answers.map(({ id, outcome }) => [id, outcome.ok])).toEqual([
    [8, false],
    [7, true],
  ]);
  const value = { action: "accept", content: { a: 1 } };
  expect(desk.answers[1]?.outcome).toMatchObject({ result: { value } });
});

test("what a server logs during a call is not taken for its progress", async () => {
  const desk = new SlowDesk();
  const heard: Params[] = [];
  const onProgress = (params: Params): void => void heard.push(params);
  const outcome = new Insider(desk).request(place, "tools/call", {}, { onProgress });
  desk.letThrough();
  await outcome;
  const [channel] = desk.channels;
  for (const method of ["notifications/message", "notifications/progress"]) {
    channel?.write(encode({ kind: "notification", method, params: { method } }), false);
  }
  expect(heard).toEqual([{ method: "notifications/progress" }]);
});
