import { dirname } from "node:path";

import { ensurePrivateDir, readIfExists, writeFileAtomic } from "../lib/files.ts";
import type { Log } from "../lib/log.ts";
import type { Environment, Platform } from "../platform/platform.ts";
import { environmentValue } from "./environment.ts";

/** A profile that takes longer is not waited for; its answer is then not used. */
const WAIT_MS = 2000;

/**
 * PATH for children. Service managers give a poor one, in which npx and uvx are not found, so the
 * user's login shell is asked; its answer is kept on disk, and the next start does not wait at all.
 */
export class LoginPath {
  readonly #environment: Environment;
  readonly #platform: Platform;
  readonly #cacheFile: string;
  readonly #log: Log;
  #answer: Promise<string> | null = null;

  constructor(options: {
    readonly environment: Environment;
    readonly platform: Platform;
    readonly cacheFile: string;
    readonly log: Log;
  }) {
    this.#environment = options.environment;
    this.#platform = options.platform;
    this.#cacheFile = options.cacheFile;
    this.#log = options.log;
  }

  /** The PATH to use; asked for once, and within about two seconds. Never fails. */
  get(): Promise<string> {
    this.#answer ??= this.#find();
    return this.#answer;
  }

  async #find(): Promise<string> {
    const own = environmentValue(this.#environment, "PATH");
    // A shell has started us, so PATH is what the user sees in a terminal.
    if (this.#environment["SHLVL"] !== undefined || this.#platform.name === "windows") return own;
    const cached = this.#cached();
    if (cached === null) return merge((await this.#ask()) ?? own, own);
    void this.#ask().then((fresh) => {
      if (fresh !== null) this.#answer = Promise.resolve(merge(fresh, own));
    });
    return merge(cached, own);
  }

  async #ask(): Promise<string | null> {
    const path = await this.#platform.loginPath(WAIT_MS);
    if (path === null) {
      this.#log.info("the login shell did not tell its PATH: using the one of mcpd");
      return null;
    }
    try {
      ensurePrivateDir(dirname(this.#cacheFile));
      writeFileAtomic(this.#cacheFile, `${path}\n`);
    } catch (error) {
      this.#log.debug(`cannot keep the PATH of the login shell: ${String(error)}`);
    }
    return path;
  }

  #cached(): string | null {
    try {
      const path = readIfExists(this.#cacheFile)?.trim() ?? "";
      return path === "" ? null : path;
    } catch {
      return null;
    }
  }
}

/** The login shell's entries first, then those only we have. */
function merge(login: string, own: string): string {
  const entries = [...login.split(":"), ...own.split(":")].filter((entry) => entry !== "");
  return [...new Set(entries)].join(":");
}
