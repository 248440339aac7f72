import { expect, test } from "bun:test";

import { encodeBytes } from "../../src/core/message.ts";
import { type Doors, notification, openDoors, result } from "../helpers/doors.ts";

const HEADERS = {
  "content-type": "application/json",
  accept: "application/json, text/event-stream",
};

function post(doors: Doors, method: string, session?: string): Promise<Response> {
  const body = JSON.stringify({
    jsonrpc: "2.0",
    id: 1,
    method,
    params: { protocolVersion: "2025-06-18" },
  });
  const headers = session === undefined ? HEADERS : { ...HEADERS, "mcp-session-id": session };
  return doors.ask("/mcp", { method: "POST", body, headers });
}

async function initialized(doors: Doors): Promise<string> {
  return (await post(doors, "initialize")).headers.get("mcp-session-id") ?? "";
}

// Past 15 KiB the body goes another way, and past what a socket takes at once it goes in pieces.
const LENGTHS = [10, 15_000, 15_400, 70_000, 5_000_000];

for (const form of ["text", "bytes"] as const) {
  test.each(LENGTHS)(`an answer of %d letters comes whole, given as ${form}`, async (length) => {
    await using doors = openDoors();
    const session = await initialized(doors);
    const long = "lätt".repeat(length / 4);
    for (const streaming of [false, true]) {
      const pending = post(doors, "wait", session);
      await doors.desk.until(() => doors.desk.session(0).waiting.length === 1);
      const [held] = doors.desk.session(0).waiting.splice(0);
      if (held === undefined) throw new Error("nothing waits");
      const { channel, request } = held;
      if (streaming) channel.write(notification("notifications/progress", {}), false);
      if (form === "text") channel.write(result(request, long), true);
      else channel.writeBytes?.(encodeBytes(request.id, Buffer.from(JSON.stringify(long))));
      const response = await pending;
      const type = streaming ? "text/event-stream" : "application/json";
      expect(response.headers.get("content-type")).toStartWith(type);
      const body = await response.text();
      expect(body.length).toBeGreaterThan(long.length);
      expect(body.includes(`"result":"${long}"}`)).toBe(true);
    }
  });
}
