import type { ControlApi, Elicitation, Reply } from "../control/api.ts";
import type { RequestOptions } from "../control/client.ts";
import { fault, FaultError } from "../core/fault.ts";
import { isTerminal } from "../lib/terminal.ts";
import { callInput } from "./call-arguments.ts";
import type { GlobalOptions } from "./command.ts";
import type { Given } from "./given-reply.ts";
import type { Spinner } from "./spinner.ts";
import { STDERR, STDIN } from "./terminal.ts";

type Call = Pick<ControlApi["mcpd/call"]["params"], "upstream" | "tool">;

/**
 * What a server asks during a call, answered by the words of --answer, in their order, then by the
 * person at the terminal. Nothing is loaded for it until something is asked.
 */
export class Questions {
  readonly #server: string;
  readonly #given: Given[];
  readonly #person: boolean;
  readonly #over = new AbortController();
  /** Why the call is not wanted any more. */
  #problem: FaultError | null = null;
  #cancelled = false;

  private constructor(server: string, given: readonly Given[], person: boolean) {
    this.#server = server;
    this.#given = [...given];
    this.#person = person;
  }

  /** Null when there is nobody who could answer. Throws the usage fault of a wrong --answer. */
  static of(
    { upstream, tool }: Call,
    words: readonly string[],
    options: GlobalOptions,
  ): Questions | null {
    const person = isPersonThere(options);
    if (words.length === 0 && !person) return null;
    return new Questions(upstream ?? `The server of ${tool}`, words.map(givenIn), person);
  }

  /** Answers one after the other: a server may ask several things at a time. */
  answeredBy(spinner: Spinner): NonNullable<RequestOptions["onQuestion"]> {
    let last: Promise<unknown> = Promise.resolve();
    return (asked, signal) => {
      const reply = last.then(() => this.#reply(asked, signal, spinner));
      last = reply;
      return reply;
    };
  }

  /** Aborted when the call has to be ended: the server asks on. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /**
   * Throws why a question found no answer. The server was told "cancel", so that it could end the
   * call in its own way, which leaves nothing behind there.
   */
  expectAnswered(): void {
    if (this.#problem !== null) throw this.#problem;
  }

  async #reply(asked: Elicitation, signal: AbortSignal, spinner: Spinner): Promise<Reply> {
    try {
      if (this.#problem !== null) this.#over.abort();
      else if (!signal.aborted) return await this.#answer(asked, signal, spinner);
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      this.#problem = error;
    }
    return { action: "cancel" };
  }

  async #answer(asked: Elicitation, signal: AbortSignal, spinner: Spinner): Promise<Reply> {
    const given = this.#given.shift();
    if (given !== undefined) {
      const { givenReply } = await import("./given-reply.ts");
      return givenReply(this.#server, asked, given);
    }
    const { canAsk } = await import("./confirm.ts");
    if (!this.#person || !(await canAsk(STDERR))) {
      const text = `"${this.#server}" asks what no --answer answers: ${String(asked["message"])}`;
      throw new FaultError(fault("question.nobody", text, this.#server));
    }
    const { askPerson } = await import("./ask-person.ts");
    spinner.stop();
    const reply = await askPerson(this.#server, asked, signal, this.#cancelled);
    if (signal.aborted) return reply;
    spinner.start();
    if (reply.action === "cancel" && this.#cancelled) {
      throw new FaultError(fault("exchange.cancelled", "Cancelled"));
    }
    this.#cancelled ||= reply.action === "cancel";
    return reply;
  }
}

function givenIn(word: string): Given {
  if (word === "decline" || word === "cancel") return { action: word };
  return { action: "accept", input: callInput([word], "call") };
}

function isPersonThere({ json }: GlobalOptions): boolean {
  const { CI: automatic = "" } = process.env;
  return !json && automatic === "" && isTerminal(STDIN) && isTerminal(STDERR);
}
