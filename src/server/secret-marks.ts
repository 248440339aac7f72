import { createHmac, randomBytes } from "node:crypto";
import { join } from "node:path";

import type { Unit } from "../core/unit.ts";
import type { Clock } from "../lib/clock.ts";
import { ensurePrivateDir, readIfExists, writeFileAtomic } from "../lib/files.ts";
import type { Environment, Platform } from "../platform/platform.ts";
import { openValues } from "../supervise/environment.ts";
import { CredentialStore } from "./oauth-store.ts";

type Parts = {
  readonly platform: Platform;
  readonly environment: Environment;
  readonly clock: Clock;
};

/**
 * Tells apart what an upstream says under different secrets, without telling the secrets: with
 * another token somebody else may be asking (MISSION D5). The salt keeps whoever reads the results
 * on the disk from guessing.
 */
export class SecretMarks {
  readonly #parts: Parts;
  /** Of units whose secrets cannot change while we run. */
  readonly #fixed = new WeakMap<Unit, string>();
  readonly #logins = new WeakMap<Unit, readonly CredentialStore[]>();
  #salt: string | null = null;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Null when it cannot be known at once: what is in the keychain has to be asked for. */
  of(unit: Unit): string | null {
    const fixed = this.#fixed.get(unit);
    if (fixed !== undefined) return fixed;
    const open = openValues(unit, this.#parts);
    if (open === null) return null;
    const logins = this.#loginsOf(unit, open.urls);
    const known = [...open.values, ...logins.map(loginAt)];
    this.#salt ??= saltIn(this.#parts.platform.paths.cacheDir);
    const mark = createHmac("sha256", this.#salt).update(JSON.stringify(known)).digest("base64url");
    if (!open.changing && logins.length === 0) this.#fixed.set(unit, mark);
    return mark;
  }

  /** Where the logins at the addresses of a unit lie. */
  #loginsOf(unit: Unit, urls: readonly string[]): readonly CredentialStore[] {
    const known = this.#logins.get(unit);
    if (known !== undefined) return known;
    const { clock, platform } = this.#parts;
    const stores = urls.flatMap((text) => {
      const url = URL.parse(text);
      if (url === null || !url.protocol.startsWith("http")) return [];
      return [new CredentialStore(platform.paths.keptDir, unit.upstream, url, clock)];
    });
    this.#logins.set(unit, stores);
    return stores;
  }
}

/** Which login a store holds; a file that cannot be read is none. */
function loginAt(store: CredentialStore): string {
  try {
    return store.read()?.login ?? "";
  } catch {
    return "";
  }
}

/** The salt of this machine. Without one on the disk, what is kept there is of no use later. */
function saltIn(cacheDir: string): string {
  const path = join(cacheDir, "results.salt");
  const fresh = randomBytes(32).toString("base64url");
  try {
    const found = readIfExists(path);
    if (found !== null && found !== "") return found;
    ensurePrivateDir(cacheDir);
    writeFileAtomic(path, fresh);
  } catch {
    // The results are not worth a word: they are asked for again.
  }
  return fresh;
}
