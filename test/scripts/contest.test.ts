import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";

import { connectCaller } from "../../scripts/bench/caller.ts";
import type { Measured } from "../../scripts/bench/calls.ts";
import { callRatios, check, checkLine, readLimits } from "../../scripts/bench/check.ts";
import {
  contestProblems,
  contestTable,
  householdTable,
} from "../../scripts/bench/contest-report.ts";
import type { ContestRow } from "../../scripts/bench/contest.ts";
import { groupBytes } from "../../scripts/bench/process.ts";
import { connectSseCaller } from "../../scripts/bench/sse-caller.ts";
import { stopTree } from "../../scripts/bench/subject.ts";
import { linuxTest } from "../helpers/posix.ts";
import { waitFor } from "../helpers/wait.ts";
import { round } from "./round.ts";

describe("check", () => {
  const limits = [
    { what: "cost", usual: 1, most: 2 },
    { what: "rate", usual: 1, least: 0.5 },
  ];

  test("a ratio within its limits passes, one beyond them does not", () => {
    const ok = (cost: number, rate: number): readonly boolean[] =>
      check(limits, new Map(Object.entries({ cost, rate }))).map((row) => row.ok);
    expect(ok(2, 0.5)).toEqual([true, true]);
    expect(ok(2.1, 0.4)).toEqual([false, false]);
    expect(ok(Number.NaN, 9)).toEqual([false, true]);
  });

  test("what was not measured has not passed", () => {
    const [row] = check(limits, new Map());
    expect(row?.ok).toBe(false);
    expect(row === undefined ? "" : checkLine(row)).toContain("FAIL  cost");
    expect(row === undefined ? "" : checkLine(row)).toContain("not measured");
  });

  test("noise in most rounds does not trip it, a regression of all rounds does", () => {
    const cell = { name: "10 clients", clients: 10, textLength: 100 };
    const ratioOf = (...cpu: readonly number[]): number | undefined => {
      const rounds = cpu.map((proxyCpuMicros) => ({ ...round, proxyCpuMicros }));
      const calls: readonly Measured[] = [
        { cell, way: "relay", rounds: rounds.map(() => round) },
        { cell, way: "mcpd", rounds },
      ];
      return new Map(callRatios(calls)).get("CPU per call, 10 clients");
    };
    expect(ratioOf(28, 80, 90, 28, 70, 99)).toBe(1.4);
    expect(ratioOf(60, 60, 60, 60, 60, 60)).toBe(3);
  });

  test("every limit is of a figure that is measured, and above or below what is usual", () => {
    for (const { usual, most, least } of readLimits()) {
      expect(most === undefined ? least : usual).toBeLessThan(most ?? usual);
    }
    const named = readLimits().map(({ what }) => what);
    for (const [what] of callRatios([])) expect(named).toContain(what);
  });
});

describe("the table of peers", () => {
  const row: ContestRow = {
    name: "mcpd",
    version: "this one",
    problem: null,
    startMs: { min: 20, median: 25, max: 30 },
    memory: { idleBytes: 50 * 1_048_576, perSessionBytes: 2048, processes: 1 },
    cells: [{ name: "1 session", rounds: [round, { ...round, p50Ms: 3 }], problem: null }],
  };
  const wrong = { ...round, errors: 1 };
  const rows: readonly ContestRow[] = [
    row,
    { ...row, name: "other", cells: [{ name: "1 session", rounds: [wrong], problem: "lost" }] },
    { ...row, name: "absent", version: "", problem: "does not start", cells: [], memory: null },
  ];

  test("it has a column each, and no figure of calls that came out wrong", () => {
    const table = contestTable(rows);
    expect(table[0]).toEqual(["", "mcpd this one", "other this one", "absent"]);
    expect(table).toContainEqual(["1 session: p50, ms", "1 (1-3)", "wrong", "-"]);
    expect(table).toContainEqual(["PSS per idle session, KB", "2", "2", "-"]);
    expect(contestTable([])).toEqual([]);
  });

  test("it says why a column or a field is empty", () => {
    const households = [
      {
        name: "mcpd",
        processes: 4,
        serverBytes: 140 * 1_048_576,
        proxyBytes: 60 * 1_048_576,
        privateBytes: 3 * 1_048_576,
        problem: null,
      },
      {
        name: "absent",
        processes: 0,
        serverBytes: 0,
        proxyBytes: 0,
        privateBytes: 3 * 1_048_576,
        problem: "does not start",
      },
    ];
    expect(contestProblems(rows, households)).toEqual([
      "other, 1 session: lost",
      "absent: does not start",
      "absent, household: does not start",
    ]);
    expect(householdTable(households)).toEqual([
      ["", "processes", "PSS, MB", "of it the proxy", "of it servers", "private, MB"],
      ["mcpd", "4", "200", "60", "140", "3"],
    ]);
    expect(householdTable([])).toEqual([]);
  });
});

const servers: Bun.Server<undefined>[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop(true);
});

function serve(handle: (request: Request) => Response | Promise<Response>): string {
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: handle });
  servers.push(server);
  return `http://127.0.0.1:${server.port}`;
}

type Incoming = { readonly id?: number; readonly params?: { readonly text?: string } };

describe("clients", () => {
  test.each([5, 200_000])("one of HTTP+SSE gets an answer of %d characters", async (length) => {
    const text = "x".repeat(length);
    let stream: ReadableStreamDefaultController<string> | undefined;
    const url = serve(async (request) => {
      if (request.method === "GET") {
        const body = new ReadableStream<string>({
          start(controller) {
            stream = controller;
            controller.enqueue("event: endpoint\ndata: /messages?id=7\n\n");
          },
        });
        return new Response(body, { headers: { "content-type": "text/event-stream" } });
      }
      const { id } = (await request.json()) as Incoming;
      const answer = JSON.stringify({ jsonrpc: "2.0", id, result: { text } });
      if (id !== undefined) stream?.enqueue(`event: message\ndata: ${answer}\n\n: beat\n\n`);
      return new Response(null, { status: 202 });
    });
    const caller = await connectSseCaller(`${url}/mcp`, {});
    for (const id of [1, 2]) {
      const line = JSON.stringify({ jsonrpc: "2.0", id, method: "tools/list" });
      expect(JSON.parse((await caller.call(line)).toString())).toMatchObject({ id });
    }
    caller.close();
  });

  test("one that ends its session deletes it", async () => {
    const { promise, resolve } = Promise.withResolvers<string | null>();
    const url = serve(async (request) => {
      if (request.method === "DELETE") resolve(request.headers.get("mcp-session-id"));
      const text = await request.text();
      const headers = { "mcp-session-id": "s1" };
      return text.includes('"initialize"')
        ? Response.json({ jsonrpc: "2.0", id: 0, result: {} }, { headers })
        : new Response(null, { status: 202 });
    });
    (await connectCaller(`${url}/mcp`, {}, true)).close();
    expect(await promise).toBe("s1");
  });
});

linuxTest("memory that is shared counts in part", () => {
  expect(groupBytes([process.pid])).toBeGreaterThan(1_000_000);
  expect(groupBytes([2 ** 30])).toBe(0);
});

describe("a peer that hangs", () => {
  linuxTest("is ended with what it has started, and what has left it", async () => {
    const endless = "while :; do sleep 0.05; done";
    const stray = Bun.spawn(["sh", "-c", endless], { stdio: ["ignore", "ignore", "ignore"] });
    const child = Bun.spawn(["sh", "-c", `trap '' TERM; (${endless}) & echo $!; ${endless}`], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    const { value } = await child.stdout.getReader().read();
    const below = Number(new TextDecoder().decode(value));
    await stopTree(child, () => [stray.pid], 100);
    await stray.exited;
    expect([child, stray].map(({ signalCode }) => signalCode)).toEqual(["SIGKILL", "SIGKILL"]);
    await waitFor("the end of what it started", () => ["", "Z"].includes(stateOf(below)));
  });
});

/** The letter of ps(1) for what a process does; "" when it is gone. */
function stateOf(pid: number): string {
  const file = `/proc/${pid}/stat`;
  return existsSync(file) ? (/\) (\w)/.exec(readFileSync(file, "utf8"))?.[1] ?? "") : "";
}
