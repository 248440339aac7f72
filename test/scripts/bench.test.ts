import { afterEach, describe, expect, test } from "bun:test";
import { join } from "node:path";

import { messageOf } from "../../scripts/bench/caller.ts";
import { ratiosOf } from "../../scripts/bench/calls.ts";
import { AnswerReader, dechunk, headerOf } from "../../scripts/bench/http.ts";
import { expectations, runLoad } from "../../scripts/bench/load.ts";
import { payloadOf } from "../../scripts/bench/payload.ts";
import { cpuMs, privateMemory, processTree } from "../../scripts/bench/process.ts";
import { describeMachine, markdown, type Results } from "../../scripts/bench/report.ts";
import { quantile, spreadOf } from "../../scripts/bench/statistics.ts";
import { freePort } from "../../scripts/bench/subject.ts";
import { verdictsOf } from "../../scripts/bench/verdict.ts";
import { linuxTest, posixTest } from "../helpers/posix.ts";
import { TemporaryDirectory } from "../helpers/temporary.ts";
import { round } from "./round.ts";

const PROGRAMS = join(import.meta.dir, "../../scripts/bench");

const small = { clients: 3, warmupMs: 1, durationMs: 10_000, watch: { proxy: [], upstream: [] } };

const children: Bun.Subprocess[] = [];

function spawn(command: string[]): Bun.Subprocess {
  const child = Bun.spawn(command, { stdin: "pipe", stdout: "ignore" });
  children.push(child);
  return child;
}

afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill();
    await child.exited;
  }
});

function answerTo(id: number, text: string): Buffer {
  const result = { content: [{ type: "text", text }] };
  return Buffer.from(JSON.stringify({ result, jsonrpc: "2.0", id }));
}

describe("statistics", () => {
  test("quantile() takes the nearest rank and does not mind the order", () => {
    expect(quantile([5, 1, 4, 2, 3], 0.5)).toBe(3);
    expect(quantile([5, 1, 4, 2, 3], 0.99)).toBe(5);
    expect(quantile([7], 0.01)).toBe(7);
    expect(quantile([], 0.5)).toBeNaN();
  });

  test("spreadOf() has the ends and the middle", () => {
    expect(spreadOf([3, 1, 2])).toEqual({ min: 1, median: 2, max: 3 });
  });
});

describe("http", () => {
  test("AnswerReader puts an answer together from single bytes", () => {
    const wire = Buffer.from("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello");
    const reader = new AnswerReader();
    for (const byte of wire.subarray(0, -1)) expect(reader.push(Buffer.of(byte))).toBeNull();
    const answer = reader.push(wire.subarray(-1));
    expect(answer?.status).toBe(200);
    expect(answer?.body.toString()).toBe("hello");
    expect(headerOf(answer?.head ?? "", "x-a")).toBe("b");
  });

  test("AnswerReader reads one answer after another, longer ones too", () => {
    const reader = new AnswerReader();
    for (const length of [3, 100_000, 0, 7]) {
      const head = `HTTP/1.1 202 Accepted\r\ncontent-length: ${length}\r\n\r\n`;
      const answer = reader.push(Buffer.from(head + "x".repeat(length)));
      expect(answer?.status).toBe(202);
      expect(answer?.body.length).toBe(length);
    }
  });

  test("dechunk() waits for the last chunk and joins them", () => {
    const wire = Buffer.from("3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n");
    for (let end = 0; end < wire.length; end++) expect(dechunk(wire.subarray(0, end))).toBeNull();
    expect(dechunk(wire)?.toString()).toBe("abc0123456789");
  });

  test("messageOf() finds the message in an event stream", () => {
    const stream = 'id: 4\ndata: \n\nevent: message\ndata: {"id":1}\n\n';
    expect(messageOf(Buffer.from(stream)).toString().trim()).toBe('{"id":1}');
    expect(messageOf(Buffer.from('{"id":2}')).toString()).toBe('{"id":2}');
  });
});

describe("load", () => {
  test("expectations() accept the answer to this call of this client alone", () => {
    const expectation = expectations(100);
    const { line, check } = expectation(7, 3);
    const text = JSON.parse(line).params.arguments.text;
    expect(text).toHaveLength(100);
    expect(check(answerTo(7, text))).toBeNull();
    expect(check(answerTo(8, text))).toContain("call 7");
    const other = JSON.parse(expectation(7, 4).line).params.arguments.text;
    expect(check(answerTo(7, other))).toContain("call 7");
  });

  test("expectations() compare every character of a long answer", () => {
    const length = 100_000;
    const { check } = expectations(length)(1, 1);
    const text = payloadOf(length);
    expect(check(answerTo(1, text))).toBeNull();
    expect(check(answerTo(2, text))).not.toBeNull();
    expect(check(answerTo(1, `${text.slice(0, 70_000)}?${text.slice(70_001)}`))).not.toBeNull();
    expect(check(answerTo(1, text.slice(1)))).not.toBeNull();
  });

  test("runLoad() makes its calls on stdio, one child a client, and ends them", async () => {
    const command = [process.execPath, join(PROGRAMS, "upstream.ts")];
    const target = { kind: "stdio", command } as const;
    const result = await runLoad({ ...small, target, textLength: 100, callsMax: 50 });
    expect(result.firstError).toBeNull();
    expect(result.calls).toBeGreaterThanOrEqual(50);
    expect(result.p99Ms).toBeGreaterThanOrEqual(result.p50Ms);
  });

  test.each([100, 200_000])(
    "runLoad() gets %d characters through the bare relay to the right client",
    async (textLength) => {
      const port = freePort();
      const upstream = [process.execPath, join(PROGRAMS, "upstream.ts")];
      spawn([process.execPath, join(PROGRAMS, "relay.ts"), String(port), ...upstream]);
      const url = `http://127.0.0.1:${port}/mcp`;
      while (!(await fetch(url).catch(() => null))) await Bun.sleep(1);
      const target = { kind: "http", url, headers: {} } as const;
      const result = await runLoad({ ...small, target, textLength, callsMax: 50 });
      expect(result.firstError).toBeNull();
      expect(result.calls).toBeGreaterThanOrEqual(50);
    },
  );
});

describe("the private socket", () => {
  /** The daemon as far as the bench needs it: whatever is asked, the upstream answers. */
  function daemonAt(address: string): Disposable {
    const upstreams = new Map<object, Bun.Subprocess<"pipe", "pipe", "ignore">>();
    const server = Bun.listen({
      unix: address,
      socket: {
        open(socket) {
          const command = [process.execPath, join(PROGRAMS, "upstream.ts")];
          const child = Bun.spawn(command, { stdio: ["pipe", "pipe", "ignore"] });
          upstreams.set(socket, child);
          void child.stdout.pipeTo(new WritableStream({ write: (it) => void socket.write(it) }));
        },
        async data(socket, chunk) {
          const child = upstreams.get(socket);
          void child?.stdin.write(chunk);
          await child?.stdin.flush();
        },
        close: (socket) => upstreams.get(socket)?.kill(),
      },
    });
    return { [Symbol.dispose]: () => server.stop(true) };
  }

  posixTest("a call gets there directly and over the bare bridge", async () => {
    using folder = new TemporaryDirectory();
    const address = folder.file("s");
    using _ = daemonAt(address);
    const bridge = [process.execPath, join(PROGRAMS, "bare-bridge.ts"), address, "echo"];
    for (const target of [
      { kind: "socket", address, upstream: "echo" },
      { kind: "stdio", command: bridge },
    ] as const) {
      const result = await runLoad({ ...small, clients: 1, target, textLength: 100, callsMax: 50 });
      expect(result.firstError).toBeNull();
      expect(result.calls).toBeGreaterThanOrEqual(50);
    }
  });
});

describe("process", () => {
  linuxTest("a process has used CPU time and has private memory; one that is gone has none", () => {
    expect(cpuMs([process.pid])).toBeGreaterThan(0);
    const { anonymousBytes, privateBytes } = privateMemory([process.pid]);
    expect(anonymousBytes).toBeGreaterThan(1_000_000);
    expect(privateBytes).toBeGreaterThanOrEqual(anonymousBytes / 2);
    expect(cpuMs([2 ** 30])).toBe(0);
  });

  linuxTest("processTree() finds children and nobody else", () => {
    const child = spawn(["cat"]);
    expect(processTree(process.pid)).toContain(child.pid);
    expect(processTree(child.pid)).toEqual([child.pid]);
  });
});

describe("report", () => {
  const cell = { name: "10 clients", clients: 10, textLength: 100 };
  const household = { processes: 1, serverBytes: 150, privateBytes: 0, problem: null };
  const results: Results = {
    machine: describeMachine(false),
    calls: [
      { cell, way: "relay", rounds: [round, { ...round, proxyCpuMicros: 40 }] },
      { cell, way: "mcpd", rounds: [{ ...round, proxyCpuMicros: 36 }, round] },
    ],
    bridges: {
      measured: (["small", "64 KiB"] as const).flatMap((name) =>
        (["direct", "socket", "bare bridge", "mcpd bridge"] as const).map((way, at) => ({
          cell: name,
          way,
          rounds: [{ ...round, p50Ms: 1 + at * 0.04 }],
        })),
      ),
      memory: [
        { way: "mcpd bridge", memory: { anonymousBytes: 9 * 2 ** 20, privateBytes: 9 * 2 ** 20 } },
      ],
    },
    processes: [{ what: "mcpd status", runs: 60, minMs: 5, medianMs: 9, p90Ms: 12 }],
    starts: [{ what: "mcpd: start to tools/list", runs: 10, minMs: 25, medianMs: 31, p90Ms: 40 }],
    commands: [],
    memory: [],
    mixed: null,
    household: [
      { name: "relay", ...household, proxyBytes: 50 },
      { name: "mcpd", ...household, proxyBytes: 55 },
    ],
    peers: [],
    tokens: [
      { what: "three servers", tools: 30, list: 6000, short: 5000, search: 300, perTool: 90 },
    ],
    recall: [
      {
        set: "unseen",
        queries: 10,
        at1: 0.6,
        at5: 0.8,
        at10: 0.9,
        misses: [{ query: "make it so", rank: null, best: "home/turn_on" }],
      },
    ],
    cache: {
      clients: 4,
      calls: 100,
      hits: 75,
      misses: 25,
      cachedP50Ms: 1,
      cachedP99Ms: 2,
      uncachedP50Ms: 3,
      uncachedP99Ms: 4,
    },
  };

  test("ratiosOf() compares rounds that stood side by side", () => {
    expect(ratiosOf(results.calls, "10 clients", "proxyCpuMicros")).toMatchObject({
      min: 0.5,
      max: 1.8,
    });
    expect(ratiosOf([], "10 clients", "p50Ms")).toBeNull();
  });

  test("verdictsOf() judges what was measured and nothing else", () => {
    const verdicts = Object.fromEntries(verdictsOf(results).map(({ what, ok }) => [what, ok]));
    expect(verdicts).toEqual({
      "CPU per call, 10 clients, mcpd / relay": true,
      "wrong or failed calls": true,
      "added p50, 1 client over the socket": true,
      "added p50, 1 client over the bridge": false,
      "p50, 1 client, small, mcpd bridge / bare bridge": true,
      "p50, 1 client, 64 KiB, mcpd bridge / bare bridge": true,
      "private memory of a bridge": false,
      "mcpd status, median": true,
      "mcpd: start to tools/list, median": false,
      "PSS of a household, mcpd / relay": true,
      'tokens saved by mode "search", three servers': true,
      "repeated reads answered with what is kept": false,
      "answer that is kept, p99": true,
      "answer that is not kept, p99": true,
    });
  });

  test("markdown() names the machine, the ways and what falls short", () => {
    const text = markdown(results);
    expect(text).toContain(Bun.version);
    expect(text).toContain("| 10 clients | mcpd | 20,000 | 1 |");
    expect(text).toContain("| mcpd: start to tools/list, median | 31 ms | <= 30 ms | **short** |");
    expect(text).not.toContain("## Private memory");
    expect(text).toContain(
      "| three servers | 30 | 6,000 | 5,000 (16.7 % saved) | 300 (95 % saved) | 90 |",
    );
    expect(text).toContain('- unseen: "make it so": not found; first is home/turn_on');
  });
});
