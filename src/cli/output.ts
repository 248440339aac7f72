import { type ConsolaInstance, createConsola, type LogObject } from "consola/core";

import { type Fault, FaultError, hintOf } from "../core/fault.ts";
import { type Clock, systemClock } from "../lib/clock.ts";
import { isTerminal } from "../lib/terminal.ts";
import type { GlobalOptions } from "./command.ts";
import { Spinner } from "./spinner.ts";
import { harmless, type Paint, paint } from "./style.ts";
import { STDERR, STDOUT, wantsColor, widthOf, writeAll } from "./terminal.ts";

const CLEAR_SCREEN = "\u001b[H\u001b[2J\u001b[3J";
const LEVEL_ERRORS = 0;
const LEVEL_NOTES = 3;

/**
 * Where a command's words go: results to stdout, everything about them to stderr. With --json
 * stdout carries one JSON document, the error included, and is what a script has to read.
 */
export class Output {
  readonly paint: Paint;
  readonly #options: GlobalOptions;
  readonly #clock: Clock;
  readonly #paintNotes: Paint;
  /** Made when there is something to remark: a quick command has nothing. */
  #notes: ConsolaInstance | null = null;
  #closed = false;

  constructor(options: GlobalOptions, clock: Clock = systemClock) {
    this.#options = options;
    this.#clock = clock;
    this.paint = paint(wantsColor(options.color, isTerminal(STDOUT), process.env));
    this.#paintNotes = paint(wantsColor(options.color, isTerminal(STDERR), process.env));
  }

  /** Remarks on stderr: info, success, warn. --quiet leaves them out. */
  get notes(): ConsolaInstance {
    this.#notes ??= createConsola({
      level: this.#options.quiet ? LEVEL_ERRORS : LEVEL_NOTES,
      // Consola drops repeated lines by default; what we say is meant.
      throttle: 0,
      reporters: [{ log: (entry) => this.#note(entry) }],
    });
    return this.#notes;
  }

  /** True once the reader of stdout has gone (`| head`): a command that goes on may stop. */
  get closed(): boolean {
    return this.#closed;
  }

  /** True when a person looks at stdout. */
  get interactive(): boolean {
    return !this.#options.json && isTerminal(STDOUT);
  }

  /** A result for people or pipes; a line end is added when it has none. */
  print(text: string): void {
    this.write(text.endsWith("\n") ? text : `${text}\n`);
  }

  /** A result that changes: on a terminal it takes the place of what was there. */
  redraw(text: string): void {
    this.#put(this.interactive ? `${CLEAR_SCREEN}${harmless(text)}\n` : `${text}\n`);
  }

  /** A result as it is; what an upstream says in it does not steer a terminal. */
  write(text: string): void {
    this.#put(this.interactive ? harmless(text) : text);
  }

  /** A result as JSON. */
  json(value: unknown): void {
    this.print(JSON.stringify(value, null, 2));
  }

  /** Says what went wrong: on stderr for people, as {"error": ...} on stdout with --json. */
  problem(problem: Fault): void {
    const { code, text, subject, data } = problem;
    const hint = hintOf(problem);
    if (this.#options.json) {
      const about = subject === "" ? {} : { subject };
      const more = data === undefined ? {} : { data };
      try {
        this.json({ error: { code, message: text, hint, ...about, ...more } });
        return;
      } catch (error) {
        // The disk behind stdout is full: what is wrong is said where it can be.
        if (!(error instanceof FaultError)) throw error;
      }
    }
    const lines = [
      `${this.#paintNotes("red", "mcpd:")} ${harmless(text)}`,
      hint === "" ? "" : `  ${hint}`,
    ];
    writeAll(STDERR, `${lines.filter((line) => line !== "").join("\n")}\n`);
  }

  /** Columns of the terminal; null when a table need not fit one. */
  async width(): Promise<number | null> {
    return this.interactive ? await widthOf(STDOUT) : null;
  }

  /** Shows that something takes its time, if it does; ends when `action` does. */
  async busy<T>(text: string, action: (spinner: Spinner) => Promise<T>): Promise<T> {
    const animated = isTerminal(STDERR) && process.env["TERM"] !== "dumb";
    const silent = this.#options.quiet || this.#options.json;
    const mode = silent ? "silent" : animated ? "animated" : "plain";
    const spinner = new Spinner(text, mode, this.#clock);
    try {
      return await action(spinner);
    } finally {
      spinner.stop();
    }
  }

  #put(text: string): void {
    if (!this.#closed) this.#closed = !writeAll(STDOUT, text);
  }

  #note({ type, args }: LogObject): void {
    const text = harmless(args.map(String).join(" "));
    const marks: { readonly [type: string]: string } = {
      warn: this.#paintNotes("yellow", "warning: "),
      success: this.#paintNotes("green", "done: "),
    };
    writeAll(STDERR, `${marks[type] ?? ""}${text}\n`);
  }
}
