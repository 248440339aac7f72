import { chmodSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

import { type Fault, fault } from "../core/fault.ts";
import { ensurePrivateDir, readIfExists, reasonOf } from "../lib/files.ts";
import { newSecretName } from "./names.ts";

export type KeySource = {
  /** Wins over the file when it is set and not empty. */
  readonly env: string | undefined;
  /** Holds the key; made with a fresh one when it is missing. */
  readonly file: string;
};

export type KeyFound = {
  readonly key: ApiKey;
  /** True when others could read the file: its rights are repaired, the key may be known. */
  readonly wasExposed: boolean;
};

/** The key clients show on TCP (MISSION E2). It is compared in constant time and never printed. */
export class ApiKey {
  readonly #text: string;
  readonly #bytes: Buffer;

  constructor(text: string) {
    this.#text = text;
    this.#bytes = Buffer.from(text);
  }

  /** Takes as long for a key that is nearly right as for one that is all wrong. */
  matches(shown: string): boolean {
    const bytes = Buffer.from(shown);
    return bytes.length === this.#bytes.length && crypto.timingSafeEqual(bytes, this.#bytes);
  }

  /** The key itself: for `mcpd show-key` and nothing else. */
  reveal(): string {
    return this.#text;
  }
}

/** Finds the key, or makes one. Blocking: once at start, and when the config names another file. */
export function loadKey({ env, file }: KeySource): KeyFound | Fault {
  const given = env?.trim() ?? "";
  if (given !== "") return { key: new ApiKey(given), wasExposed: false };
  try {
    return readKey(file) ?? generateKey(file);
  } catch (error) {
    return fault("file.failed", `Cannot use the API key file ${file}: ${reasonOf(error)}`, file);
  }
}

function readKey(file: string): KeyFound | undefined {
  const text = readIfExists(file)?.trim();
  if (text === undefined) return undefined;
  if (text === "") throw new Error("it is empty; delete it to get a new key");
  return { key: new ApiKey(text), wasExposed: closeToOthers(file) };
}

/** Takes the file's rights away from everyone else; true when that made a difference. */
function closeToOthers(file: string): boolean {
  if (!openToOthers(file)) return false;
  chmodSync(file, 0o600);
  // Where files have no such rights (Windows), nothing was wrong and nothing has changed.
  return !openToOthers(file);
}

function openToOthers(file: string): boolean {
  return (statSync(file).mode & 0o077) !== 0;
}

function generateKey(file: string): KeyFound {
  const text = `mcpd_${newSecretName()}`;
  ensurePrivateDir(dirname(file));
  // Fails when the file has appeared meanwhile: two daemons must not use two keys.
  writeFileSync(file, `${text}\n`, { mode: 0o600, flag: "wx" });
  return { key: new ApiKey(text), wasExposed: false };
}
