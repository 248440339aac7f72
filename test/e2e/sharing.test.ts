import { describe, expect, test } from "bun:test";

import { fixture } from "../helpers/program.ts";
import { waitFor } from "../helpers/wait.ts";
import { Daemon } from "./harness.ts";
import { type Kind, Official } from "./official.ts";

// What a client can tell of sharing an upstream with others, on every door, with the official
// clients: A and B use one instance, and each gets what is its own.

type Door = { readonly kind: Kind; readonly upstream?: string };

const DOORS: readonly Door[] = [
  { kind: "v1 http" },
  { kind: "v1 http", upstream: "echo" },
  { kind: "v1 sse" },
  { kind: "v1 sse", upstream: "echo" },
  { kind: "v1 ws" },
  { kind: "v1 ws", upstream: "echo" },
  { kind: "v1 bridge" },
  { kind: "v1 bridge", upstream: "echo" },
  { kind: "v2 http" },
  { kind: "v2 http", upstream: "echo" },
];

type Stage = {
  readonly daemon: Daemon;
  readonly a: Official;
  readonly b: Official;
};

/** Two clients of one fresh daemon on the same door. */
async function withTwo(
  { kind, upstream }: Door,
  act: (stage: Stage) => Promise<void>,
): Promise<void> {
  await using daemon = await Daemon.start({ mcpServers: { echo: fixture("echo.ts") } });
  await using a = await Official.connect(daemon, kind, upstream);
  await using b = await Official.connect(daemon, kind, upstream);
  await act({ daemon, a, b });
}

async function statsOf(client: Official): Promise<{ pid: number; cancelled: unknown[] }> {
  return JSON.parse(await client.call("stats"));
}

for (const door of DOORS) {
  const on = (name: string, act: (stage: Stage) => Promise<void>): void =>
    test(name, () => withTwo(door, act));

  describe(`two ${door.kind} clients of ${door.upstream ?? "all"}`, () => {
    on("one instance serves both", async ({ a, b }) => {
      expect((await statsOf(a)).pid).toBe((await statsOf(b)).pid);
      const sums = await Promise.all([
        a.call("add", { a: 1, b: 2 }),
        b.call("add", { a: 3, b: 4 }),
      ]);
      expect(sums).toEqual(["3", "7"]);
    });

    on("tools, prompts, resources, templates and completion are all there", async ({ a }) => {
      const { client } = a;
      const { tools } = await client.listTools();
      expect(tools.map(({ name }) => name)).toEqual(expect.arrayContaining(["add", "stats"]));
      const { prompts } = await client.listPrompts();
      expect(prompts.map(({ name }) => name)).toEqual(["greet", "plain"]);
      const got = await client.getPrompt({ name: "greet", arguments: { name: "Ada" } });
      expect(got.messages[0]?.content).toEqual({ type: "text", text: "Hello Ada" });
      const { resources } = await client.listResources();
      expect(resources.map(({ uri }) => uri)).toContain("echo://two");
      const { contents } = await client.readResource({ uri: "echo://item/7" });
      expect(contents).toEqual([
        { uri: "echo://item/7", mimeType: "text/plain", text: "echo://item/7" },
      ]);
      const { resourceTemplates } = await client.listResourceTemplates();
      expect(resourceTemplates.map(({ name }) => name)).toEqual(["item"]);
      const ref = { type: "ref/prompt", name: "greet" } as const;
      const { completion } = await client.complete({ ref, argument: { name: "name", value: "a" } });
      expect(completion.values).toEqual(["ada", "alan"]);
      expect(await client.ping()).toEqual({});
      // What it has just been shown is no news.
      expect(a.heard).toEqual([]);
    });

    on("progress goes to the caller alone, each step of it", async ({ a, b }) => {
      const onprogress = (): void => undefined;
      await Promise.all([
        a.call("progress", { steps: 3 }, { onprogress }),
        b.call("progress", { steps: 2 }, { onprogress }),
      ]);
      expect(a.steps).toEqual(["1/3", "2/3", "3/3"]);
      expect(b.steps).toEqual(["1/2", "2/2"]);
      await b.client.ping();
      expect(b.heard).toEqual([]);
    });

    on("a log message goes to the client whose call it belongs to", async ({ a, b }) => {
      await a.client.setLoggingLevel("debug");
      await b.client.setLoggingLevel("debug");
      await a.call("log", { level: "warning", text: "for A" });
      const heard = await a.hears("notifications/message");
      expect(heard.params).toMatchObject({ level: "warning", data: "for A" });
      await b.call("log", { level: "warning", text: "for B" });
      await b.hears("notifications/message");
      expect(b.heard.map(({ params }) => params?.["data"])).toEqual(["for B"]);
    });

    on("each client has a logging level of its own", async ({ a, b }) => {
      await a.client.setLoggingLevel("debug");
      await b.client.setLoggingLevel("error");
      await b.call("log", { level: "info", text: "too low for B" });
      await b.call("log", { level: "critical", text: "urgent" });
      await b.hears("notifications/message");
      expect(b.heard.map(({ params }) => params?.["data"])).toEqual(["urgent"]);
    });

    on("a changed list is announced to both", async ({ a, b }) => {
      const before = (await a.client.listTools()).tools.length;
      await b.client.listTools();
      await a.call("change", { list: "tools" });
      await Promise.all([a, b].map((client) => client.hears("notifications/tools/list_changed")));
      expect((await b.client.listTools()).tools).toHaveLength(before + 1);
    });

    on("an update of a resource goes to its subscriber alone", async ({ a, b }) => {
      await a.client.subscribeResource({ uri: "echo://one" });
      await b.client.subscribeResource({ uri: "echo://two" });
      await b.call("touch", { uri: "echo://one" });
      expect((await a.hears("notifications/resources/updated")).params).toEqual({
        uri: "echo://one",
      });
      await a.call("touch", { uri: "echo://two" });
      await b.hears("notifications/resources/updated");
      expect(b.heard.map(({ params }) => params?.["uri"])).toEqual(["echo://two"]);
      await b.client.unsubscribeResource({ uri: "echo://two" });
      expect(await a.call("touch", { uri: "echo://two" })).toBe("nobody subscribed");
    });

    on("an update goes to each of two subscribers, until one has enough", async ({ a, b }) => {
      const uri = "echo://one";
      await a.client.subscribeResource({ uri });
      await b.client.subscribeResource({ uri });
      expect(await a.call("touch", { uri })).toBe("told");
      await Promise.all([a, b].map((client) => client.hears("notifications/resources/updated")));
      await a.client.unsubscribeResource({ uri });
      a.heard.length = 0;
      b.heard.length = 0;
      expect(await a.call("touch", { uri })).toBe("told");
      await b.hears("notifications/resources/updated");
      expect(a.heard).toEqual([]);
    });

    on("a cancelled call is cancelled at the upstream, others go on", async ({ a, b }) => {
      const abort = new AbortController();
      const lost = a.call("never", {}, { signal: abort.signal });
      const other = b.call("slow", { ms: 300 });
      await waitFor("the call to be there", async () => {
        const { tools } = await b.client.listTools();
        return tools.length > 0;
      });
      abort.abort("changed my mind");
      await expect(lost).rejects.toThrow();
      await waitFor("the cancel", async () => (await statsOf(b)).cancelled.length === 1);
      expect(await other).toBe("slept 300 ms");
    });

    on("a crash of the upstream is over for both without a new session", async ({ a, b }) => {
      const before = (await statsOf(b)).pid;
      await b.client.subscribeResource({ uri: "echo://one" });
      await expect(a.call("crash")).rejects.toThrow("may or may not have had its effect");
      const after = await statsOf(a);
      expect(after.pid).not.toBe(before);
      expect((await statsOf(b)).pid).toBe(after.pid);
      expect(await a.call("touch", { uri: "echo://one" })).toBe("told");
      await b.hears("notifications/resources/updated");
    });
  });
}
