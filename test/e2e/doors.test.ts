import { describe, expect, test } from "bun:test";

import { fixture } from "../helpers/program.ts";
import { readEvents } from "../helpers/sse.ts";
import { Daemon } from "./harness.ts";

const CONFIG = { mcpServers: { echo: fixture("echo.ts") } };

describe("the doors of the compiled daemon", () => {
  test("eight clients share one process and get their own answers", async () => {
    await using daemon = await Daemon.start(CONFIG);
    const clients = await Promise.all(Array.from({ length: 8 }, () => daemon.connect("echo")));
    const sums = await Promise.all(
      clients.flatMap((client, index) =>
        Array.from({ length: 5 }, (_, step) => client.call("add", { a: index * 100, b: step })),
      ),
    );
    const expected = clients.flatMap((_, index) =>
      [0, 1, 2, 3, 4].map((step) => index * 100 + step),
    );
    expect(sums).toEqual(expected.map(String));
    const stats = await Promise.all(clients.map((client) => client.call("stats")));
    const pids = new Set(stats.map((text) => JSON.parse(text).pid));
    expect(pids.size).toBe(1);
    expect(JSON.parse(stats[0] ?? "").initializes).toBe(1);
  });

  test("progress reaches the client that asked, before the answer", async () => {
    await using daemon = await Daemon.start(CONFIG);
    const client = await daemon.connect("echo");
    const { response, before } = await client.request("tools/call", {
      name: "progress",
      arguments: { steps: 3 },
      _meta: { progressToken: "mine" },
    });
    expect(response.result?.["content"]).toEqual([{ type: "text", text: "3 steps" }]);
    expect(before.map(({ params }) => [params?.["progressToken"], params?.["progress"]])).toEqual([
      ["mine", 1],
      ["mine", 2],
      ["mine", 3],
    ]);
  });

  test("HTTP+SSE names the place for messages and answers on the stream", async () => {
    await using daemon = await Daemon.start(CONFIG);
    const headers = { "x-api-key": daemon.key };
    const stream = await fetch(`${daemon.urls.sse}/echo`, { headers });
    const events = readEvents(stream);
    const endpoint = (await events.next()).value;
    expect(endpoint?.event).toBe("endpoint");
    const request = {
      jsonrpc: "2.0",
      id: 1,
      method: "initialize",
      params: {
        protocolVersion: "2024-11-05",
        capabilities: {},
        clientInfo: { name: "t", version: "1" },
      },
    };
    const posted = await fetch(new URL(endpoint?.data ?? "", daemon.origin), {
      method: "POST",
      headers: { ...headers, "content-type": "application/json" },
      body: JSON.stringify(request),
    });
    expect(posted.status).toBe(202);
    const answer = JSON.parse((await events.next()).value?.data ?? "");
    expect(answer.id).toBe(1);
    expect(answer.result.protocolVersion).toBe("2024-11-05");
    await events.return();
  });
});
