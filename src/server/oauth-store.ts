import { rmSync } from "node:fs";
import { join } from "node:path";

import type {
  AuthorizationServerMetadata,
  StoredOAuthClientInformation,
  StoredOAuthTokens,
} from "@modelcontextprotocol/client";

import type { Clock } from "../lib/clock.ts";
import { withFileLock } from "../lib/file-lock.ts";
import { ensurePrivateDir, fileVersion, readIfExists, writeFileAtomic } from "../lib/files.ts";
import { sha256 } from "../lib/hash.ts";

/**
 * What a login has left behind. Client and tokens belong to one authorization server and one
 * resource: they are never shown to another.
 */
export type Credentials = {
  readonly authorizationServer: string;
  readonly metadata?: AuthorizationServerMetadata;
  /** The resource the token is for (RFC 8707). */
  readonly resource?: string;
  readonly client: StoredOAuthClientInformation;
  /** True when the user has named the client, so that another address to come back to is fine. */
  readonly given?: boolean;
  /** Where the authorization server sends people back to: it is a part of the registration. */
  readonly redirectUri: string;
  /** Null when the login has ended, but the registration is still good. */
  readonly tokens: StoredOAuthTokens | null;
  /** Another one for each login, the same for all tokens that it is renewed with. */
  readonly login?: string;
  /** Rights that were found missing: the next login asks for them. */
  readonly wanted?: string;
  /** Wall time (epoch ms) at which the token expires; null when nobody knows. */
  readonly expiresAtMs: number | null;
};

/** The login of one upstream at one address, in a file that only its owner can read. */
export class CredentialStore {
  readonly #directory: string;
  readonly #path: string;
  readonly #clock: Clock;
  #cached: { readonly version: string; readonly credentials: Credentials | null } | null = null;

  constructor(keptDir: string, upstream: string, url: URL, clock: Clock) {
    this.#directory = join(keptDir, "logins");
    // By the address too: what was meant for one server is not sent to its successor in the config.
    const key = sha256(`${url.origin}${url.pathname}`).slice(0, 16);
    this.#path = join(this.#directory, `${upstream}-${key}.json`);
    this.#clock = clock;
  }

  /** What is stored now; null when there is nothing, or nothing that can be read. */
  read(): Credentials | null {
    const version = fileVersion(this.#path);
    if (this.#cached?.version !== version) {
      this.#cached = { version, credentials: parse(readIfExists(this.#path)) };
    }
    return this.#cached.credentials;
  }

  write(credentials: Credentials): void {
    ensurePrivateDir(this.#directory);
    writeFileAtomic(this.#path, `${JSON.stringify(credentials, null, 2)}\n`);
  }

  /** Forgets everything; false when there was nothing. */
  remove(): boolean {
    const known = this.read() !== null;
    rmSync(this.#path, { force: true });
    return known;
  }

  /** Nobody else of this user changes the login meanwhile: a refresh token works only once. */
  async exclusively<T>(action: () => Promise<T>): Promise<T> {
    ensurePrivateDir(this.#directory);
    return await withFileLock(`${this.#path}.lock`, this.#clock, action);
  }
}

function parse(text: string | null): Credentials | null {
  if (text === null) return null;
  try {
    const found = JSON.parse(text) as Partial<Credentials> | null;
    const whole = found?.client !== undefined && found.authorizationServer !== undefined;
    return whole ? (found as Credentials) : null;
  } catch {
    return null;
  }
}
