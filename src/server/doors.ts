import type { Conditions } from "../core/condition.ts";
import { LIMITS } from "../core/limits.ts";
import type { Clock } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import type { Desk } from "../transport/door.ts";
import { EventLog } from "../transport/event-log.ts";
import { Heartbeat } from "../transport/heartbeat.ts";
import { HttpDoor } from "../transport/http-server.ts";
import { SseDoor } from "../transport/sse-server.ts";
import { WsDoor } from "../transport/ws-server.ts";
import { VERSION } from "../version.ts";
import { Announcement } from "./announcement.ts";
import { FrontDoor } from "./front-door.ts";
import type { Gate } from "./gate.ts";
import { type Address, createApp } from "./http.ts";
import type { Metrics } from "./metrics.ts";

/** Opens everything that is served on TCP; `close` ends the streams, then the listener. */
export function openDoors(parts: {
  readonly desk: Desk;
  readonly gate: Gate;
  readonly metrics: Metrics;
  readonly conditions: Conditions;
  readonly clock: Clock;
  readonly log: Log;
  readonly uptimeMs: () => number;
  /** null: nowhere for now. */
  readonly address: Address | null;
  readonly messageBytesMax: () => number;
  readonly announcementFile: string;
}): { readonly front: FrontDoor; readonly close: () => Promise<void> } {
  const { desk, gate, metrics, conditions, clock, log, address, messageBytesMax } = parts;
  const heartbeat = new Heartbeat(clock);
  const events = new EventLog(clock, heartbeat);
  const options = { desk, heartbeat, events, clock, log, messageBytesMax };
  const http = new HttpDoor(options);
  const sse = new SseDoor(options);
  const ws = new WsDoor(options);
  const app = createApp({
    gate,
    http,
    sse,
    ws,
    metrics,
    health: () => ({ status: conditions.verdict(), conditions: conditions.list().length }),
    version: VERSION,
    uptimeMs: parts.uptimeMs,
    log,
  });
  const announcement = new Announcement(parts.announcementFile, process.pid, log);
  const announce = announcement.tell.bind(announcement);
  const front = new FrontDoor({ app, conditions, clock, log, announce });
  front.open(address);
  return {
    front,
    async close() {
      http.close();
      sse.close();
      ws.close();
      // Answers that are on their way get a moment; a client that does not read them does not.
      await Promise.race([front.close(false), clock.sleep(LIMITS.drainAnswersMs)]);
      await front.close(true);
      heartbeat.stop();
    },
  };
}
