import { join } from "node:path";

import type { Unit } from "../core/unit.ts";
import type { Clock } from "../lib/clock.ts";
import { ensurePrivateDir, fileVersion, readIfExists, writeFileAtomic } from "../lib/files.ts";
import type { Environment, Platform } from "../platform/platform.ts";
import { openValues } from "../supervise/environment.ts";
import { newSecretName } from "./names.ts";
import { CredentialStore } from "./oauth-store.ts";

type Parts = {
  readonly platform: Platform;
  readonly environment: Environment;
  readonly clock: Clock;
};

/** A mark, and all that it is good for as long as it does not change. */
type Known = {
  readonly mark: string;
  readonly files: ReadonlyMap<string, string>;
  readonly logins: ReadonlyMap<CredentialStore, string>;
};

/**
 * Tells apart what an upstream says under different secrets, without telling the secrets: with
 * another token somebody else may be asking (MISSION D5). The salt keeps whoever reads the results
 * on the disk from guessing.
 */
export class SecretMarks {
  readonly #parts: Parts;
  readonly #known = new WeakMap<Unit, Known>();
  #salt: string | null = null;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Null when it cannot be known at once: what is in the keychain has to be asked for. */
  of(unit: Unit): string | null {
    const known = this.#known.get(unit);
    // Each read asks: a look at the files is cheaper than reading them.
    if (known !== undefined && isGood(known)) return known.mark;
    const open = openValues(unit, this.#parts);
    if (open === null) return null;
    const { files, urls, values } = open;
    const stores = urls.flatMap((url) => this.#loginsAt(unit, url));
    const logins = new Map(stores.map((store) => [store, loginIn(store)]));
    this.#salt ??= saltIn(this.#parts.platform.paths.cacheDir);
    const text = JSON.stringify([...values, ...logins.values()]);
    const mark = new Bun.CryptoHasher("sha256", this.#salt).update(text).digest("base64url");
    this.#known.set(unit, { mark, files, logins });
    return mark;
  }

  /** Where a login at an address lies, if there can be one. */
  #loginsAt({ upstream }: Unit, text: string): readonly CredentialStore[] {
    const url = URL.parse(text);
    if (url === null || !url.protocol.startsWith("http")) return [];
    const { clock, platform } = this.#parts;
    return [new CredentialStore(platform.paths.keptDir, upstream, url, clock)];
  }
}

function isGood({ files, logins }: Known): boolean {
  for (const [path, version] of files) if (fileVersion(path) !== version) return false;
  for (const [store, login] of logins) if (loginIn(store) !== login) return false;
  return true;
}

/** Which login a store holds; a file that cannot be read is none. */
function loginIn(store: CredentialStore): string {
  try {
    return store.read()?.login ?? "";
  } catch {
    return "";
  }
}

/** The salt of this machine. Without one on the disk, what is kept there is of no use later. */
function saltIn(cacheDir: string): string {
  const path = join(cacheDir, "results.salt");
  const fresh = newSecretName();
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
