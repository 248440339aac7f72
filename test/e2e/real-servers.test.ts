import { describe, expect, test } from "bun:test";

import type { McpHttp, Message } from "../helpers/mcp-http.ts";
import { linuxTest } from "../helpers/posix.ts";
import { fixture, processesOf, realServer } from "../helpers/program.ts";
import { Daemon, Home } from "./harness.ts";
import { type Kind, Official } from "./official.ts";

// The servers everybody uses, from npm, each once for all clients.

const KINDS: readonly Kind[] = ["v1 http", "v1 sse", "v2 http"];

/** Eight clients of all three kinds, each one's way of connecting chosen by its number. */
async function eight(daemon: Daemon, upstream?: string): Promise<readonly Official[]> {
  const kinds = Array.from({ length: 8 }, (_, index) => KINDS[index % KINDS.length] ?? "v1 http");
  return await Promise.all(kinds.map((kind) => Official.connect(daemon, kind, upstream)));
}

async function closeAll(clients: readonly Official[]): Promise<void> {
  await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
}

describe("eight official clients on real servers", () => {
  linuxTest("start one process per server, not one more", async () => {
    using home = new Home();
    const mcpServers = {
      everything: realServer("everything"),
      filesystem: realServer("filesystem", home.path),
      memory: realServer("memory"),
    };
    await using daemon = await Daemon.start({ mcpServers }, { home });
    expect(processesOf(home.path)).toEqual([daemon.pid]);
    const clients = await eight(daemon);
    const lists = await Promise.all(clients.map(({ client }) => client.listTools()));
    const names = lists.map(({ tools }) => tools.map(({ name }) => name));
    expect(names[0]).toEqual(expect.arrayContaining(["get-sum", "read_text_file", "read_graph"]));
    for (const list of names) expect(list).toEqual(names[0] ?? []);
    expect(processesOf(home.path)).toHaveLength(1 + Object.keys(mcpServers).length);
    await closeAll(clients);
    expect(processesOf(home.path)).toHaveLength(1 + Object.keys(mcpServers).length);
  });

  test("server-everything works on tasks, each for the client that made it alone", async () => {
    const mcpServers = { everything: realServer("everything") };
    await using daemon = await Daemon.start({ mcpServers });
    for (const upstream of ["everything", undefined]) {
      const revision = { protocolVersion: "2025-11-25" };
      const ann = await daemon.connect(upstream, revision);
      const bob = await daemon.connect(upstream, revision);
      const params = { name: "simulate-research-query", arguments: { topic: "tasks" }, task: {} };
      const { response: begun } = await ann.request("tools/call", params);
      const task = begun.result?.["task"] as { readonly taskId: string } | undefined;
      const taskId = task?.taskId ?? "";
      const state = async (client: McpHttp, method: string): Promise<Message> =>
        (await client.request(method, { taskId })).response;
      expect((await state(ann, "tasks/get")).result).toMatchObject({ taskId, status: "working" });
      for (const method of ["tasks/get", "tasks/result", "tasks/cancel"]) {
        expect((await state(bob, method)).error).toMatchObject({
          code: -32602,
          data: { fault: "task.unknown", subject: taskId },
        });
      }
      expect((await state(ann, "tasks/cancel")).result).toMatchObject({ status: "cancelled" });
      expect(await ann.close()).toBe(200);
      expect(await bob.close()).toBe(200);
    }
  });

  test("server-everything answers each its own of many calls at once", async () => {
    await using daemon = await Daemon.start({
      mcpServers: { everything: realServer("everything") },
    });
    const clients = await eight(daemon, "everything");
    const sums = clients.flatMap((client, index) =>
      Array.from({ length: 10 }, (_, step) =>
        client.call("get-sum", { a: index * 100, b: step }).then((text) => {
          expect(text).toContain(` is ${index * 100 + step}.`);
        }),
      ),
    );
    const echoes = clients.map(async (client, index) => {
      expect(await client.call("echo", { message: `client ${index}` })).toBe(
        `Echo: client ${index}`,
      );
    });
    await Promise.all([...sums, ...echoes]);
    await closeAll(clients);
  });

  test("server-memory remembers for all what each one told it", async () => {
    using home = new Home();
    const memory = {
      ...realServer("memory"),
      env: { MEMORY_FILE_PATH: home.directory.file("memory.jsonl") },
    };
    await using daemon = await Daemon.start({ mcpServers: { memory } }, { home });
    const clients = await eight(daemon, "memory");
    // One after the other: the server itself loses entities that are written at once.
    for (const [index, client] of clients.entries()) {
      const entity = { name: `fact ${index}`, entityType: "fact", observations: ["true"] };
      await client.call("create_entities", { entities: [entity] });
    }
    const graphs = await Promise.all(clients.map((client) => client.call("read_graph")));
    const expected = clients.map((_, index) => `fact ${index}`);
    for (const graph of graphs) {
      const { entities }: { entities: { name: string }[] } = JSON.parse(graph);
      expect(entities.map(({ name }) => name)).toEqual(expected);
    }
    await closeAll(clients);
  });
});

describe("real servers through the aggregate", () => {
  test("server-filesystem: one client writes, another reads, strangers' paths are refused", async () => {
    using home = new Home();
    const mcpServers = { filesystem: realServer("filesystem", home.path) };
    await using daemon = await Daemon.start({ mcpServers }, { home });
    await using writer = await Official.connect(daemon, "v1 sse");
    await using reader = await Official.connect(daemon, "v2 http");
    const path = home.directory.file("note.txt");
    await writer.call("write_file", { path, content: "Grüße, €1\n" });
    expect(await reader.call("read_text_file", { path })).toBe("Grüße, €1\n");
    expect(await reader.callTool("read_text_file", { path: "/etc/passwd" }, {})).toMatchObject({
      isError: true,
    });
  });

  test("server-everything: prompts, resources, templates, completion, structured and binary", async () => {
    await using daemon = await Daemon.start({
      mcpServers: { everything: realServer("everything") },
    });
    await using official = await Official.connect(daemon, "v1 http");
    const { client } = official;
    const { prompts } = await client.listPrompts();
    expect(prompts.map(({ name }) => name)).toContain("completable-prompt");
    const prompt = await client.getPrompt({ name: "args-prompt", arguments: { city: "Oslo" } });
    expect(JSON.stringify(prompt.messages)).toContain("Oslo");
    const { resourceTemplates } = await client.listResourceTemplates();
    const template = "demo://resource/dynamic/text/{resourceId}";
    expect(resourceTemplates.map(({ uriTemplate }) => uriTemplate)).toContain(template);
    const uri = "demo://resource/dynamic/text/7";
    expect((await client.readResource({ uri })).contents[0]?.uri).toBe(uri);
    const ref = { type: "ref/prompt", name: "completable-prompt" } as const;
    const argument = { name: "department", value: "S" };
    expect((await client.complete({ ref, argument })).completion.values).toEqual([
      "Sales",
      "Support",
    ]);
    const weather = await official.callTool("get-structured-content", { location: "Chicago" }, {});
    expect(weather).toHaveProperty("structuredContent.temperature");
    const image = await official.callTool("get-tiny-image", {}, {});
    expect(JSON.stringify(image)).toContain('"mimeType":"image/png"');
  });

  test("server-everything: each step of a long operation reaches its caller", async () => {
    await using daemon = await Daemon.start({
      mcpServers: { everything: realServer("everything") },
    });
    await using a = await Official.connect(daemon, "v2 http");
    await using b = await Official.connect(daemon, "v1 sse");
    const run = (client: Official, count: number): Promise<string> =>
      client.call(
        "trigger-long-running-operation",
        { duration: count / 20, steps: count },
        { onprogress: () => undefined },
      );
    await Promise.all([run(a, 3), run(b, 2)]);
    expect(a.steps).toEqual(["1/3", "2/3", "3/3"]);
    expect(b.steps).toEqual(["1/2", "2/2"]);
  });
});

describe("pagination", () => {
  const mcpServers = { echo: fixture("echo.ts", "--page=5"), other: fixture("echo.ts") };

  test("/mcp/<upstream> keeps the pages of the upstream, cursors and all", async () => {
    await using daemon = await Daemon.start({ mcpServers });
    const client = await daemon.connect("echo");
    const first = await client.request("tools/list");
    expect(first.response.result?.["tools"]).toHaveLength(5);
    const cursor = first.response.result?.["nextCursor"];
    expect(cursor).toBe("5");
    const second = await client.request("tools/list", { cursor });
    expect(second.response.result?.["tools"]).toHaveLength(5);
    expect(second.response.result?.["tools"]).not.toEqual(first.response.result?.["tools"]);
  });

  test("/mcp has the pages of all upstreams on one, names that clash told apart", async () => {
    await using daemon = await Daemon.start({ mcpServers });
    await using official = await Official.connect(daemon, "v1 http");
    const { tools, nextCursor } = await official.client.listTools();
    expect(nextCursor).toBeUndefined();
    const names = tools.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual(expect.arrayContaining(["echo__environment", "other__environment"]));
    expect(await official.call("echo__add", { a: 2, b: 3 })).toBe("5");
    const pids = ["echo__stats", "other__stats"].map((name) => official.call(name));
    const [one, other] = (await Promise.all(pids)).map((text) => JSON.parse(text).pid);
    expect(one).not.toBe(other);
  });
});
