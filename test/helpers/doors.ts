import { type Fault, fault, isFault } from "../../src/core/fault.ts";
import { encode, type Message, type Request, resultResponse } from "../../src/core/message.ts";
import { type Clock, systemClock } from "../../src/lib/clock.ts";
import type { Log } from "../../src/lib/log.ts";
import { Gate, type GateSettings } from "../../src/server/gate.ts";
import { createApp, type Health, listen } from "../../src/server/http.ts";
import { ApiKey } from "../../src/server/key.ts";
import type { Channel, Desk, Opening, SessionPort } from "../../src/transport/door.ts";
import { EventLog } from "../../src/transport/event-log.ts";
import { Heartbeat } from "../../src/transport/heartbeat.ts";
import { HttpDoor } from "../../src/transport/http-server.ts";
import { SseDoor } from "../../src/transport/sse-server.ts";
import { WsDoor } from "../../src/transport/ws-server.ts";

export const KEY = "mcpd_test-key";

export const silentLog: Log = {
  enabled: () => false,
  debug: () => {},
  info: () => {},
  warning: () => {},
  error: () => {},
  child: () => silentLog,
};

export function notification(method: string, params: { [key: string]: unknown } = {}): string {
  return encode({ kind: "notification", method, params });
}

export function result(request: Request, value: unknown): string {
  return encode(resultResponse(request.id, value));
}

/** A session that answers by the name of the method, and remembers what it was told. */
export class FakeSession implements SessionPort {
  readonly id: string;
  readonly view: SessionPort["view"];
  readonly opening: Opening;
  protocolVersion: string | null = null;
  closed = false;
  asleep = false;
  listener: Channel | null = null;
  readonly heard: Message[] = [];
  /** Requests of the method "wait", with the channel to answer on. */
  readonly waiting: { readonly request: Request; readonly channel: Channel }[] = [];
  readonly #changed: () => void;

  constructor(id: string, opening: Opening, changed: () => void) {
    this.id = id;
    this.view = opening.view;
    this.opening = opening;
    this.#changed = changed;
  }

  receive(message: Message, channel: Channel): void {
    this.heard.push(message);
    if (message.kind === "request") this.#answer(message, channel);
    this.#changed();
  }

  listen(channel: Channel): () => void {
    this.listener = channel;
    this.#changed();
    return () => {
      if (this.listener === channel) this.listener = null;
      this.#changed();
    };
  }

  sleep(): void {
    this.asleep = true;
    this.#changed();
  }

  close(): void {
    this.closed = true;
    this.#changed();
  }

  #answer(request: Request, channel: Channel): void {
    if (request.method === "wait") {
      this.waiting.push({ request, channel });
      return;
    }
    if (request.method === "initialize") {
      const version = request.params?.["protocolVersion"];
      if (version === "refuse me") return channel.write(result(request, { refused: true }), true);
      this.protocolVersion = String(version);
      const serverInfo = { name: "fake", version: "1" };
      const hello = { protocolVersion: version, capabilities: {}, serverInfo };
      return channel.write(result(request, hello), true);
    }
    if (request.method === "progress") {
      const meta = request.params?.["_meta"] as { progressToken?: unknown } | undefined;
      const params = { progressToken: meta?.progressToken, progress: 1 };
      channel.write(notification("notifications/progress", params), false);
    }
    channel.write(result(request, { method: request.method, ...request.params }), true);
  }
}

export class FakeDesk implements Desk {
  readonly sessions: FakeSession[] = [];
  readonly #watchers = new Set<() => void>();

  open(opening: Opening): SessionPort | Fault {
    if (opening.view.kind === "one" && opening.view.upstream !== "fs") {
      return fault("upstream.unknown", `Unknown upstream ${opening.view.upstream}`);
    }
    const id = `session-${this.sessions.length + 1}`;
    const session = new FakeSession(id, opening, () => this.#changed());
    this.sessions.push(session);
    this.#changed();
    return session;
  }

  find(sessionId: string, principal: string, door: Opening["door"]): SessionPort | Fault {
    const found = this.sessions.find(
      ({ id, opening, closed }) =>
        id === sessionId && opening.principal === principal && opening.door === door && !closed,
    );
    return found ?? fault("session.unknown");
  }

  /** Another in the place of one that sleeps, as its client comes back. */
  wake({ id, opening }: FakeSession): FakeSession {
    const at = this.sessions.findIndex((one) => one.id === id);
    const woken = new FakeSession(id, opening, () => this.#changed());
    this.sessions[at] = woken;
    return woken;
  }

  session(index: number): FakeSession {
    const session = this.sessions[index];
    if (session === undefined) throw new Error(`there is no session ${index}`);
    return session;
  }

  /** Resolves as soon as the condition holds; looked at after every change of a session. */
  until(condition: () => boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const watcher = (): void => {
      if (!condition()) return;
      this.#watchers.delete(watcher);
      resolve();
    };
    this.#watchers.add(watcher);
    watcher();
    return promise;
  }

  #changed(): void {
    for (const watcher of this.#watchers) watcher();
  }
}

const LONG_MS = 2_000;

/** The system's clock, but its periods and long waits pass only when the test says so. */
export class BeatClock implements Clock {
  readonly #actions = new Set<() => void>();
  readonly #waits = new Set<() => void>();

  now = systemClock.now;
  monotonic = systemClock.monotonic;
  sleep = systemClock.sleep;

  every(_periodMs: number, action: () => void): { cancel(): void } {
    this.#actions.add(action);
    return { cancel: () => void this.#actions.delete(action) };
  }

  after(delayMs: number, action: () => void): { cancel(): void } {
    if (delayMs < LONG_MS) return systemClock.after(delayMs, action);
    this.#waits.add(action);
    return { cancel: () => void this.#waits.delete(action) };
  }

  /** Lets all long waits be over. */
  pass(): void {
    const waits = [...this.#waits];
    this.#waits.clear();
    for (const action of waits) action();
  }

  beat(times: number): void {
    for (let count = 0; count < times; count += 1) for (const action of this.#actions) action();
  }
}

export type Doors = Awaited<ReturnType<typeof openDoors>>;

/** All doors on a free port of 127.0.0.1, with a fake desk behind them. */
export function openDoors(
  settings: Partial<GateSettings> = {},
  messageBytesMax: number | (() => number) = 100_000,
  health: () => Health = () => ({ status: "healthy", conditions: 0 }),
) {
  const desk = new FakeDesk();
  const clock = new BeatClock();
  const heartbeat = new Heartbeat(clock);
  const log = silentLog;
  const bytesMax = typeof messageBytesMax === "function" ? messageBytesMax : () => messageBytesMax;
  const events = new EventLog(clock, heartbeat);
  const options = { desk, heartbeat, events, log, clock, messageBytesMax: bytesMax };
  const gate = new Gate({
    host: "127.0.0.1",
    key: new ApiKey(KEY),
    cors: { allowedOrigins: [], allowCredentials: false },
    ...settings,
  });
  const http = new HttpDoor(options);
  const sse = new SseDoor(options);
  const ws = new WsDoor(options);
  const metrics = {
    json: () => ({ connections: 5, requests: 1_000, errors: 2 }),
    prometheus: () => "mcpd_requests_total 1000\n",
  };
  const uptimeMs = (): number => 3_600_900;
  const parts = { gate, http, sse, ws, metrics, health, version: "2.1.0", uptimeMs, log };
  const listener = listen(createApp(parts), { host: "127.0.0.1", port: 0 }, reportError);
  if (isFault(listener)) throw new Error(listener.text);
  const url = `http://127.0.0.1:${listener.port}`;

  return {
    desk,
    clock,
    events,
    gate,
    listener,
    url,
    /** Sends a request with the right key, and the headers every MCP client sends. */
    ask(path: string, init: RequestInit = {}): Promise<Response> {
      const headers = {
        accept: "application/json, text/event-stream",
        "x-api-key": KEY,
        ...(init.body === undefined ? {} : { "content-type": "application/json" }),
      };
      const merged = { ...headers, ...(init.headers as { [name: string]: string } | undefined) };
      return fetch(`${url}${path}`, { ...init, headers: merged });
    },
    async [Symbol.asyncDispose](): Promise<void> {
      http.close();
      sse.close();
      ws.close();
      heartbeat.stop();
      await listener.stop(true);
    },
  };
}

/**
 * Reads the events of a response one by one; comments come as `: text`. What is there only for
 * clients that come back is left out: ids, and the event that is empty but for its id.
 */
export async function* eventsOf(response: Response): AsyncGenerator<string> {
  for await (const frame of framesOf(response)) {
    const event = frame.replace(/^(id|retry): .*\n/gm, "");
    if (event !== "data: ") yield event;
  }
}

/** Reads the events of a response one by one, as they are. */
export async function* framesOf(response: Response): AsyncGenerator<string> {
  if (response.body === null) throw new Error("the response has no body");
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body) {
    text += decoder.decode(chunk, { stream: true });
    const frames = text.split("\n\n");
    text = frames.pop() ?? "";
    yield* frames;
  }
}

/** The next value of a stream of events, or an error when it is over. */
export async function next(events: AsyncGenerator<string>): Promise<string> {
  const { value, done } = await events.next();
  if (done === true) throw new Error("the stream is over");
  return value;
}
