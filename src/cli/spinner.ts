import type { Clock, Timer } from "../lib/clock.ts";
import { harmless } from "./style.ts";
import { STDERR, writeAll } from "./terminal.ts";

const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const FRAME_MS = 80;
/** What is done sooner needs no sign of life. */
const PATIENCE_MS = 500;
const CLEAR_LINE = "\r\u001b[K";

/** A sign of life on stderr: moving on a terminal, one line elsewhere, nothing when silent. */
export class Spinner {
  readonly #mode: "animated" | "plain" | "silent";
  readonly #clock: Clock;
  #text = "";
  #timer: Timer | null = null;
  #frame = 0;

  constructor(text: string, mode: "animated" | "plain" | "silent", clock: Clock) {
    this.#mode = mode;
    this.#clock = clock;
    this.update(text);
    this.start();
  }

  /** Shows itself, after a while, until it is stopped. */
  start(): void {
    if (this.#mode !== "silent") this.#timer = this.#clock.after(PATIENCE_MS, () => this.#show());
  }

  /** Changes the text, made one line of; a terminal shows it with the next frame. */
  update(text: string): void {
    this.#text = harmless(text).replaceAll("\n", " ");
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#frame > 0) writeAll(STDERR, CLEAR_LINE);
    this.#frame = 0;
  }

  #show(): void {
    if (this.#mode === "plain") {
      writeAll(STDERR, `${this.#text} ...\n`);
      return;
    }
    this.#draw();
    this.#timer = this.#clock.every(FRAME_MS, () => this.#draw());
  }

  #draw(): void {
    const frame = FRAMES[this.#frame++ % FRAMES.length] ?? "";
    writeAll(STDERR, `${CLEAR_LINE}${frame} ${this.#text}`);
  }
}
