/** The forms of the fixtures that the suite does not reach by itself. */
import { expect, test } from "bun:test";

import { type Client, SSEClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

import { newClient } from "./client/visits.ts";
import { HttpFixture, programHere } from "./targets.ts";
import { META, REVISION, TASKS } from "./tasks/envelope.ts";

/** The fixture asks its client over every form: as a request, or within the result. */
async function askedAndAnswered(client: Client): Promise<unknown> {
  const result = await client.callTool({
    name: "test_elicitation_sep1034_defaults",
    arguments: {},
  });
  return result.content;
}

const ACCEPTED = expect.stringContaining('action=accept, content={"name":"John Doe"');

test.each([
  ["dual", REVISION],
  ["modern", REVISION],
  ["legacy", "2025-11-25"],
] as const)("over stdio the %s fixture speaks %s", async (form, revision) => {
  const client = newClient("", true);
  const { command, args } = programHere("fixture.ts", form);
  await client.connect(new StdioClientTransport({ command, args: [...args] }));
  try {
    expect(client.getNegotiatedProtocolVersion()).toBe(revision);
    expect(await askedAndAnswered(client)).toEqual([{ type: "text", text: ACCEPTED }]);
  } finally {
    await client.close();
  }
});

test("over HTTP+SSE the fixture speaks to a client of that time", async () => {
  await using fixture = await HttpFixture.start("fixture.ts", "sse");
  const client = newClient("", false);
  await client.connect(new SSEClientTransport(new URL(fixture.url)));
  try {
    expect(await askedAndAnswered(client)).toEqual([{ type: "text", text: ACCEPTED }]);
  } finally {
    await client.close();
  }
});

test("over stdio the tasks fixture tells a listener how its task goes", async () => {
  const { command, args } = programHere("tasks-fixture.ts", "stdio");
  const child = Bun.spawn([command, ...args], { stdio: ["pipe", "pipe", "inherit"] });
  const _meta = {
    [META.protocolVersion]: REVISION,
    [META.clientCapabilities]: { extensions: { [TASKS]: {} } },
  };
  const request = async (id: string, method: string, params: object): Promise<void> => {
    const message = { jsonrpc: "2.0", id, method, params: { ...params, _meta } };
    await child.stdin.write(`${JSON.stringify(message)}\n`);
    await child.stdin.flush();
  };
  await request("create", "tools/call", { name: "confirm_delete", arguments: {} });
  const seen: string[] = [];
  let taskId: unknown;
  for await (const { id, method, params, result } of messages(child.stdout)) {
    seen.push(`${id ?? method} ${params?.status ?? result?.status ?? ""}`.trim());
    if (id === "create") {
      taskId = result?.taskId;
      await request("listen", "subscriptions/listen", { notifications: { taskIds: [taskId] } });
    }
    if (method === "notifications/subscriptions/acknowledged") {
      await request("update", "tasks/update", { taskId, inputResponses: { confirm: {} } });
    }
    if (seen.includes("update") && seen.includes("notifications/tasks completed")) {
      await child.stdin.end();
    }
  }
  expect(seen.slice(0, 2)).toEqual(["create working", "notifications/subscriptions/acknowledged"]);
  expect(await child.exited).toBe(0);
});

type Fields = { readonly status?: string; readonly taskId?: string };
type Message = {
  readonly id?: string;
  readonly method?: string;
  readonly params?: Fields;
  readonly result?: Fields;
};

async function* messages(stdout: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<Message> {
  let rest = "";
  for await (const chunk of stdout.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield JSON.parse(line);
  }
}
