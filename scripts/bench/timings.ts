/** Whole processes, from the spawn to the end, and the way from a start to a first answer. */
import { realServer } from "../../test/helpers/program.ts";
import { openSession, post } from "./caller.ts";
import { connectHttp, type HttpConnection } from "./http.ts";
import type { Lab } from "./lab.ts";
import { quantile } from "./statistics.ts";
import {
  apiKey,
  echoCommand,
  freePort,
  spawnSubject,
  startSubject,
  type Subject,
  type SubjectName,
  writeConfig,
} from "./subject.ts";

export type Timing = {
  readonly what: string;
  readonly runs: number;
  readonly minMs: number;
  readonly medianMs: number;
  readonly p90Ms: number;
};

export type Command = {
  readonly what: string;
  readonly words: readonly string[];
  /** Must be in what it prints, so that a refusal is not timed as a success. */
  readonly prints: string;
  /** That of the lab where it is not given. */
  readonly environment?: Readonly<Record<string, string>>;
};

/** Commands against a running relay and daemon, `runs` of each, taking turns. No pinning. */
export async function benchProcesses(lab: Lab, runs: number): Promise<Timing[]> {
  writeConfig(lab, { echo: echoCommand(lab) });
  const subjects: Subject[] = [await startSubject(lab, "relay")];
  try {
    if (lab.mcpd !== null) subjects.push(await startSubject(lab, "mcpd"));
    return timeInTurns(lab, commandsOf(lab, subjects), runs);
  } finally {
    for (const subject of subjects) await subject.stop();
  }
}

/** Runs each command `runs` times, one after the other. */
export function timeInTurns(lab: Lab, commands: readonly Command[], runs: number): Timing[] {
  const timesMs = new Map<Command, number[]>(commands.map((command) => [command, []]));
  // The first run of each finds cold pages and is not counted.
  for (let run = 0; run <= runs; run++) {
    for (const [command, times] of timesMs) {
      const takenMs = timeCommand(lab, command);
      if (run > 0) times.push(takenMs);
    }
  }
  return [...timesMs].map(([{ what }, times]) => timingOf(what, times));
}

function commandsOf(lab: Lab, subjects: readonly Subject[]): Command[] {
  const hello = lab.programs.hello;
  const floor = [
    { what: "hello", words: [hello], prints: "hello" },
    {
      what: "bare call to the relay",
      words: [hello, subjects[0]?.url ?? ""],
      prints: "hello",
    },
  ];
  if (lab.mcpd === null) return floor;
  return [
    ...floor,
    { what: "mcpd --version", words: [lab.mcpd, "--version"], prints: "." },
    { what: "mcpd status", words: [lab.mcpd, "status"], prints: "echo" },
    ...callsOf(lab.mcpd),
  ];
}

/** A call of ours, with a daemon that runs and without one. */
export function callsOf(mcpd: string): Command[] {
  const words = [mcpd, "call", "echo", "echo", '{"text":"hello"}'];
  return [
    { what: "mcpd call", words, prints: "hello" },
    { what: "mcpd call --no-daemon", words: [...words, "--no-daemon"], prints: "hello" },
  ];
}

function timeCommand(lab: Lab, command: Command): number {
  const startMs = performance.now();
  const result = Bun.spawnSync([...command.words], {
    env: command.environment ?? lab.environment,
    cwd: lab.root,
    stdin: "ignore",
    timeout: 20_000,
    killSignal: "SIGKILL",
  });
  const takenMs = performance.now() - startMs;
  const printed = result.stdout.toString();
  if (result.exitCode !== 0 || !printed.includes(command.prints)) {
    const said = `${printed}${result.stderr.toString()}`.slice(0, 500);
    throw new Error(`Cannot time "${command.what}": exit code ${result.exitCode}: ${said}`);
  }
  return takenMs;
}

/** A server that takes its time, as those of the registry do: what it has is known from before. */
export const START_REMEMBERED = "mcpd: start to tools/list of a real server, remembered";

/** From the spawn of the server to its first tools/list, the upstream's start included. */
export async function benchStarts(lab: Lab, runs: number): Promise<Timing[]> {
  writeConfig(lab, { echo: echoCommand(lab) });
  const names: readonly SubjectName[] = lab.mcpd === null ? ["relay"] : ["relay", "mcpd"];
  const timesMs = new Map<SubjectName, number[]>(names.map((name) => [name, []]));
  // The first start writes the key and finds cold pages.
  for (const name of names) await (await startSubject(lab, name)).stop();
  for (let run = 0; run < runs; run++) {
    for (const [name, times] of timesMs) times.push(await timeStart(lab, name));
  }
  const rows = [...timesMs].map(([name, times]) => timingOf(`${name}: start to tools/list`, times));
  return lab.mcpd === null ? rows : [...rows, await timeRemembered(lab, runs)];
}

async function timeRemembered(lab: Lab, runs: number): Promise<Timing> {
  const { command, args } = realServer("everything");
  writeConfig(lab, { echo: [command, ...args] });
  const timesMs: number[] = [];
  for (let run = 0; run <= runs; run++) {
    const takenMs = await timeStart(lab, "mcpd");
    // The first waits for the server and remembers what it has.
    if (run > 0) timesMs.push(takenMs);
  }
  return timingOf(START_REMEMBERED, timesMs);
}

async function timeStart(lab: Lab, name: SubjectName): Promise<number> {
  const port = freePort();
  const headers = name === "mcpd" ? { "x-api-key": apiKey(lab) } : {};
  const startMs = performance.now();
  const subject = spawnSubject(lab, name, port, []);
  try {
    const connection = await connectWhenUp(port, startMs + 10_000);
    const head = await openSession(connection, subject.url, headers);
    const request = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" });
    const answer = await connection.ask(post(head, request));
    const takenMs = performance.now() - startMs;
    connection.close();
    if (!answer.body.includes('"echo"')) {
      throw new Error(
        `Cannot time the start of ${name}: ${answer.status}: ${answer.body.toString()}`,
      );
    }
    return takenMs;
  } finally {
    await subject.stop();
  }
}

async function connectWhenUp(port: number, deadlineMs: number): Promise<HttpConnection> {
  for (;;) {
    try {
      return await connectHttp("127.0.0.1", port);
    } catch (error) {
      if (performance.now() > deadlineMs) throw error;
      await Bun.sleep(0.5);
    }
  }
}

function timingOf(what: string, timesMs: readonly number[]): Timing {
  return {
    what,
    runs: timesMs.length,
    minMs: Math.min(...timesMs),
    medianMs: quantile(timesMs, 0.5),
    p90Ms: quantile(timesMs, 0.9),
  };
}
