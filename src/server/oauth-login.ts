import { type Fault, fault } from "../core/fault.ts";
import type { Clock } from "../lib/clock.ts";
import { reasonOf } from "../lib/files.ts";
import type { Login } from "../transport/remote.ts";
import { webFetch } from "../transport/web.ts";
import type { Credentials, CredentialStore } from "./oauth-store.ts";

/** A token is renewed this long before it expires: the request with it takes its time too. */
const MARGIN_MS = 30_000;

/** What is shown of another server's explanation. */
const WORDS_MAX = 300;

/** When a token expires that has come just now; null when the server does not say. */
export function expiryOf(
  tokens: { readonly expires_in?: number | undefined },
  nowMs: number,
): number | null {
  return tokens.expires_in === undefined ? null : nowMs + tokens.expires_in * 1_000;
}

/** All the rights of several scopes, each once. */
export function scopeUnion(...scopes: readonly (string | undefined)[]): string {
  const rights = scopes.flatMap((scope) => scope?.split(/\s+/) ?? []);
  return [...new Set(rights)].filter((right) => right !== "").join(" ");
}

/** The login that `mcpd auth` has stored, renewed while it can be (MCP, basic/authorization). */
export class StoredLogin implements Login {
  readonly #upstream: string;
  readonly #store: CredentialStore;
  readonly #clock: Clock;

  constructor(upstream: string, store: CredentialStore, clock: Clock) {
    this.#upstream = upstream;
    this.#store = store;
    this.#clock = clock;
  }

  async token(): Promise<string | null> {
    const found = this.#read();
    if (found === null || found.tokens === null) return null;
    const { access_token: token, refresh_token: refresh } = found.tokens;
    const dueMs = found.expiresAtMs === null ? null : found.expiresAtMs - MARGIN_MS;
    if (dueMs === null || refresh === undefined || this.#clock.now() < dueMs) return token;
    const fresh = await this.renew(token);
    // The old one may still do; when it does not, the server's 401 leads back here.
    return typeof fresh === "string" ? fresh : token;
  }

  async renew(refused: string | null): Promise<string | Fault> {
    try {
      return await this.#store.exclusively(() => this.#renew(refused));
    } catch (error) {
      return this.#stuck(reasonOf(error));
    }
  }

  async lacks(scope: string): Promise<void> {
    await this.#store
      .exclusively(async () => {
        const found = this.#store.read();
        if (found === null) return;
        const wanted = scopeUnion(found.wanted, scope);
        if (wanted !== found.wanted) this.#store.write({ ...found, wanted });
      })
      // The next login then asks for too little, which is said again.
      .catch(() => undefined);
  }

  async #renew(refused: string | null): Promise<string | Fault> {
    const found = this.#store.read();
    if (found === null) return this.#needed("nobody has logged in");
    if (found.tokens === null) return this.#needed("the login has ended");
    // Somebody else was faster: a refresh token may work only once.
    if (found.tokens.access_token !== refused) return found.tokens.access_token;
    if (found.tokens.refresh_token === undefined) return this.#needed("the login has expired");
    return await this.#refresh(found, found.tokens.refresh_token);
  }

  /** A file that cannot be read is no login; renew() says why. */
  #read(): Credentials | null {
    try {
      return this.#store.read();
    } catch {
      return null;
    }
  }

  async #refresh(found: Credentials, refreshToken: string): Promise<string | Fault> {
    const { OAuthError, refreshAuthorization } = await import("@modelcontextprotocol/client");
    const { authorizationServer, client, metadata, resource } = found;
    try {
      const tokens = await refreshAuthorization(authorizationServer, {
        clientInformation: client,
        refreshToken,
        fetchFn: webFetch,
        ...(metadata === undefined ? {} : { metadata }),
        ...(resource === undefined ? {} : { resource }),
      });
      const expiresAtMs = expiryOf(tokens, this.#clock.now());
      this.#store.write({ ...found, tokens: { ...found.tokens, ...tokens }, expiresAtMs });
      return tokens.access_token;
    } catch (error) {
      const words = reasonOf(error).slice(0, WORDS_MAX);
      const code = error instanceof OAuthError ? error.code : "";
      if (code === "invalid_grant") {
        this.#store.write({ ...found, tokens: null, expiresAtMs: null });
        return this.#needed(`the login has ended: ${words}`);
      }
      if (code === "invalid_client" || code === "unauthorized_client") {
        this.#store.remove();
        return this.#needed(`its registration has ended: ${words}`);
      }
      return this.#stuck(words);
    }
  }

  #stuck(why: string): Fault {
    const text = `Upstream "${this.#upstream}": the login cannot be renewed: ${why}`;
    return fault("upstream.unreachable", text, this.#upstream);
  }

  #needed(why: string): Fault {
    const text = `Upstream "${this.#upstream}" asks for a login: ${why}`;
    return fault("upstream.needs-login", text, this.#upstream);
  }
}
