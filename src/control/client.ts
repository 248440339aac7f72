// control, the asking side. Every quick command loads it: nothing heavy may be imported here.

import { lstatSync } from "node:fs";

import { type Fault, fault, FaultError } from "../core/fault.ts";
import { parseJson } from "../core/json.ts";
import { faultOf, type RpcError } from "../core/message.ts";
import { type Clock, systemClock, type Timer } from "../lib/clock.ts";
import { errorCode, reasonOf } from "../lib/files.ts";
import { LineSplitter } from "../lib/lines.ts";
import { formatDuration } from "../lib/text.ts";
import type {
  ControlApi,
  ControlMethod,
  Elicitation,
  ProgressNote,
  QuestionNote,
  Reply,
} from "./api.ts";
import { openWire, type Wire, type WireEvents } from "./wire.ts";

/** An answer above this is no answer of ours: a tool list of 10,000 rows has about 20 MB. */
export const LINE_BYTES_MAX = 268_435_456;

export type RequestOptions = {
  /** How long to wait for the answer; without it, until the connection ends. */
  readonly timeoutMs?: number;
  readonly onProgress?: (note: ProgressNote) => void;
  /** Answers what a call asks, until the signal says that it has ended. */
  readonly onQuestion?: (asked: Elicitation, signal: AbortSignal) => Promise<Reply>;
  /** Aborting sends "mcpd/cancel" and rejects with exchange.cancelled at once. */
  readonly signal?: AbortSignal;
};

type Waiting = {
  readonly method: string;
  readonly settle: (answer: Answer) => void;
  readonly onProgress: ((note: ProgressNote) => void) | undefined;
  readonly ask: (note: QuestionNote) => void;
};

type Answer = { readonly result: unknown } | { readonly fault: Fault };

/** A table of methods: control/api.ts of the daemon, control/supervision.ts of its bootstrap. */
type Methods = { readonly [method: string]: { readonly params: object; readonly result: unknown } };

/** Whoever answers a table of methods. */
export interface ControlPort<Api extends Methods = ControlApi> {
  /** Asks and waits for the answer. Throws the fault of the other side as a FaultError. */
  request<M extends keyof Api & string>(
    method: M,
    params: Api[M]["params"],
    options?: RequestOptions,
  ): Promise<Api[M]["result"]>;
}

/** A connection to a private socket of ours that speaks one of the tables. */
export class ControlClient<Api extends Methods = ControlApi> implements ControlPort<Api> {
  readonly #clock: Clock;
  readonly #waiting = new Map<number, Waiting>();
  #wire: Wire | null = null;
  #over = false;
  #lastId = 0;

  private constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Connects; throws a FaultError daemon.unreachable that says why it cannot. */
  static async connect<Api extends Methods = ControlApi>(
    address: string,
    clock: Clock = systemClock,
  ): Promise<ControlClient<Api>> {
    try {
      return await ControlClient.over<Api>((events) => openWire(address, events), clock);
    } catch (error) {
      throw new FaultError(whyUnreachable(address, error));
    }
  }

  /** Speaks over a wire that `open` makes; rejects as it does. */
  static async over<Api extends Methods = ControlApi>(
    open: (events: WireEvents) => Promise<Wire>,
    clock: Clock = systemClock,
  ): Promise<ControlClient<Api>> {
    const client = new ControlClient<Api>(clock);
    const lines = new LineSplitter(LINE_BYTES_MAX, {
      line: (text) => client.#receive(text),
      tooLong: () => client.close(),
    });
    const wire = await open({
      data: (chunk) => lines.push(chunk),
      drained: () => undefined,
      closed: () => client.#ended(),
    });
    // It may have ended before anybody could look.
    if (!client.#over) client.#wire = wire;
    return client;
  }

  /** False once the connection has ended. */
  get open(): boolean {
    return this.#wire !== null;
  }

  async request<M extends keyof Api & string>(
    method: M,
    params: Api[M]["params"],
    options: RequestOptions = {},
  ): Promise<Api[M]["result"]> {
    const answer = await this.#ask(method, params, options);
    if ("fault" in answer) throw new FaultError(answer.fault);
    return answer.result;
  }

  close(): void {
    this.#wire?.close();
  }

  #ask(method: string, params: object, options: RequestOptions): Promise<Answer> {
    const { signal, timeoutMs, onProgress, onQuestion } = options;
    const id = ++this.#lastId;
    const over = new AbortController();
    return new Promise((resolve, reject) => {
      let timer: Timer | null = null;
      const settle = (answer: Answer): void => {
        over.abort();
        timer?.cancel();
        signal?.removeEventListener("abort", abort);
        this.#waiting.delete(id);
        resolve(answer);
      };
      const give = (problem: Fault): void => {
        this.#tell("mcpd/cancel", { id });
        settle({ fault: problem });
      };
      const abort = (): void => give(fault("exchange.cancelled", "Cancelled"));
      const ask = ({ question, asked }: QuestionNote): void => {
        const answered = (reply: Reply): void => {
          if (!over.signal.aborted) this.#tell("mcpd/answer", { id, question, reply });
        };
        onQuestion?.(asked, over.signal).then(answered, reject);
      };
      if (this.#wire === null) return settle({ fault: lost() });
      if (signal?.aborted === true) return settle({ fault: fault("exchange.cancelled") });
      signal?.addEventListener("abort", abort);
      if (timeoutMs !== undefined) {
        const wait = formatDuration(timeoutMs);
        const text = `The daemon has not answered "${method}" within ${wait}`;
        timer = this.#clock.after(timeoutMs, () => give(fault("exchange.timed-out", text)));
      }
      this.#waiting.set(id, { method, settle, onProgress, ask });
      this.#send({ jsonrpc: "2.0", id, method, params });
    });
  }

  /** Asks without waiting for the answer. */
  #tell<M extends ControlMethod>(method: M, params: ControlApi[M]["params"]): void {
    this.#send({ jsonrpc: "2.0", id: ++this.#lastId, method, params });
  }

  #send(message: object): void {
    this.#wire?.send(JSON.stringify(message));
  }

  #receive(text: string): void {
    const message = parse(text);
    if (message === null) return;
    if (message.method === "mcpd/progress") {
      const note = message.params as ProgressNote;
      this.#waiting.get(note.id)?.onProgress?.(note);
      return;
    }
    if (message.method === "mcpd/question") {
      const note = message.params as QuestionNote;
      return this.#waiting.get(note.id)?.ask(note);
    }
    const waiting = this.#waiting.get(message.id ?? 0);
    if (message.error === undefined) return waiting?.settle({ result: message.result });
    // A newer daemon may have faults that we do not know.
    const problem = faultOf(message.error) ?? fault("internal", message.error.message);
    waiting?.settle({ fault: problem });
  }

  #ended(): void {
    this.#over = true;
    this.#wire = null;
    for (const { method, settle } of this.#waiting.values()) {
      // Of all that is asked here, only a tool has effects that nobody knows of now.
      settle({ fault: method === "mcpd/call" ? fault("daemon.lost") : lost() });
    }
  }
}

type WireMessage = {
  readonly id?: number;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: RpcError;
};

/** The peer is our own daemon, behind a directory that only its user can enter. */
function parse(text: string): WireMessage | null {
  try {
    return parseJson(text) as WireMessage;
  } catch {
    return null;
  }
}

function lost(): Fault {
  return fault("daemon.unreachable", "The daemon went away: the connection closed unanswered");
}

/** Says why nobody answers at the address, as far as the file system shows. */
export function whyUnreachable(address: string, error: unknown): Fault {
  const title = "The daemon is not running";
  const code = errorCode(error);
  const data = { address, cause: code };
  if (code === "ENOENT") return make(`${title}: there is no socket at ${address}`);
  if (code === "ECONNREFUSED") {
    return lstatSync(address, { throwIfNoEntry: false })?.isSocket() === true
      ? make(`${title}: the socket at ${address} is left over from one that has ended`)
      : make(`Cannot reach the daemon: ${address} is not a socket`);
  }
  if (code === "EACCES" || code === "EPERM") {
    return make(`Cannot reach the daemon: permission denied, ${address} belongs to another user`);
  }
  return make(`Cannot reach the daemon: ${address}: ${reasonOf(error)}`);

  function make(text: string): Fault {
    return fault("daemon.unreachable", text, address, data);
  }
}
