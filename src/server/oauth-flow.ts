import type {
  OAuthClientInformationContext,
  OAuthClientMetadata,
  OAuthClientProvider,
  OAuthDiscoveryState,
  StoredOAuthClientInformation,
  StoredOAuthTokens,
} from "@modelcontextprotocol/client";

import { envelopeOf, withEnvelope } from "../core/envelope.ts";
import { LEGACY_LATEST } from "../core/era.ts";
import { type Fault, fault } from "../core/fault.ts";
import { encode, type Params, type Request as RpcRequest } from "../core/message.ts";
import type { Clock } from "../lib/clock.ts";
import { envelopeHeaders } from "../transport/envelope.ts";
import { RedirectListener } from "../transport/redirect-listener.ts";
import { networkReason, wantsLogin, webFetch } from "../transport/web.ts";
import { VERSION } from "../version.ts";
import { newSecretName } from "./names.ts";
import { expiryOf, scopeUnion } from "./oauth-login.ts";
import type { Credentials, CredentialStore } from "./oauth-store.ts";

export type LoginOptions = {
  readonly upstream: string;
  readonly url: URL;
  readonly store: CredentialStore;
  readonly clock: Clock;
  /** More rights than the server asks for by itself. */
  readonly scope?: string | undefined;
  /** A client that the authorization server knows already, when it registers none by itself. */
  readonly client?: { readonly id: string; readonly secret?: string | undefined } | undefined;
  /** The port to come back to; some servers know a client with one alone. */
  readonly port?: number | undefined;
  /** Shows the person where to log in. */
  readonly show: (address: URL) => void;
  /** How long the person may take. */
  readonly patienceMs: number;
};

/**
 * Logs in at the server of an upstream with a browser (MCP 2025-11-25, basic/authorization):
 * discovery, registration, PKCE and the rest are the SDK's. Stores what comes of it.
 */
export async function logIn(options: LoginOptions): Promise<Fault | null> {
  const { upstream, url, store, clock } = options;
  const failed = (why: string): Fault =>
    fault("login.failed", `Cannot log in at upstream "${upstream}": ${why}`, upstream);
  const sdk = await import("@modelcontextprotocol/client");
  try {
    const challenge = await ask(url);
    if (!wantsLogin(challenge)) return failed(`it asks for no login (HTTP ${challenge.status})`);
    const { resourceMetadataUrl, scope: wanted } = sdk.extractWWWAuthenticateParams(challenge);
    const before = store.read();
    const known = scopeUnion(before?.tokens?.scope, before?.wanted, options.scope);
    // Alone, the server's own word counts; what was granted or found missing adds to it.
    const scope = known === "" ? wanted : scopeUnion(wanted, known);
    const state = newSecretName();
    using listener = new RedirectListener(options.port ?? portOf(before), state);
    const flow = new Flow(options, before, listener.url, state);
    const terms = {
      serverUrl: url,
      fetchFn: webFetch,
      forceReauthorization: true,
      ...(resourceMetadataUrl === undefined ? {} : { resourceMetadataUrl }),
      ...(scope === undefined ? {} : { scope }),
    };
    await sdk.auth(flow, terms);
    const answer = await soon(listener.redirected, options);
    if (answer === null) return failed("nobody has come back from the browser");
    const { code: authorizationCode, iss, error } = answer;
    if (authorizationCode === null) return failed(error ?? "there is no code in the answer");
    await sdk.auth(flow, { ...terms, authorizationCode, ...(iss === null ? {} : { iss }) });
    const credentials = flow.result(clock.now());
    if (credentials === null) return failed("there is no token in the answer");
    await store.exclusively(async () => store.write(credentials));
    return null;
  } catch (error) {
    // A registration that the server does not know any more would fail for ever.
    const unknown = error instanceof sdk.OAuthError && error.code.endsWith("_client");
    if (unknown) await store.exclusively(async () => store.remove());
    return failed(explain(error));
  }
}

/** The SDK's words, and what the user can do where they do not say it. */
function explain(error: unknown): string {
  const words = networkReason(error);
  if (!words.includes("dynamic client registration")) return words;
  return "its authorization server registers no clients: make one there, then give --client-id";
}

/** What a client would say first, without a token: the answer says where to get one. */
async function ask(url: URL): Promise<Response> {
  const params = { protocolVersion: LEGACY_LATEST, capabilities: {}, clientInfo: ABOUT };
  const hello = await post(url, request("initialize", params), {});
  const session = hello.headers.get("mcp-session-id");
  if (wantsLogin(hello)) return hello;
  const method = "tools/list";
  if (!hello.ok) {
    // A server of the modern era knows no greeting.
    const list = request(
      method,
      withEnvelope(undefined, envelopeOf({ session: null, channel: null }, ABOUT)),
    );
    return await post(url, list, envelopeHeaders(list));
  }
  // Some let everybody in, and ask at the first request.
  return await post(url, request(method, undefined), {
    "mcp-protocol-version": LEGACY_LATEST,
    ...(session === null ? {} : { "mcp-session-id": session }),
  });
}

function request(method: string, params: Params | undefined): RpcRequest {
  return { kind: "request", id: 1, method, params };
}

async function post(
  url: URL,
  message: RpcRequest,
  headers: { readonly [name: string]: string },
): Promise<Response> {
  const accept = "application/json, text/event-stream";
  return await webFetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", accept, ...headers },
    body: encode(message),
    redirect: "manual",
  });
}

const ABOUT = { name: "mcpd", version: VERSION };

/** The port the client is registered with, so that the registration can be used again. */
function portOf(before: Credentials | null): number {
  return before === null ? 0 : Number(new URL(before.redirectUri).port);
}

async function soon<T>(promise: Promise<T>, { clock, patienceMs }: LoginOptions) {
  const { promise: late, resolve } = Promise.withResolvers<null>();
  const timer = clock.after(patienceMs, () => resolve(null));
  return await Promise.race([promise, late]).finally(() => timer.cancel());
}

/** One login under way, as the SDK wants to be served: it asks, keeps and finds again. */
class Flow implements OAuthClientProvider {
  readonly redirectUrl: URL;
  readonly clientMetadata: OAuthClientMetadata;
  readonly #state: string;
  readonly #show: (address: URL) => void;
  readonly #given: boolean;
  #client: StoredOAuthClientInformation | undefined;
  #tokens: StoredOAuthTokens | undefined;
  #discovered: OAuthDiscoveryState | undefined;
  #resource: string | undefined;
  #verifier = "";

  constructor(options: LoginOptions, before: Credentials | null, url: URL, state: string) {
    this.redirectUrl = url;
    this.#state = state;
    this.#show = options.show;
    const { client } = options;
    this.#given = client !== undefined || before?.given === true;
    if (client !== undefined) {
      const secret = client.secret === undefined ? {} : { client_secret: client.secret };
      this.#client = { client_id: client.id, ...secret };
    } else if (this.#given || before?.redirectUri === url.href) {
      // A registration is for one address to come back to.
      this.#client = before?.client;
    }
    this.clientMetadata = {
      client_name: "mcpd",
      redirect_uris: [url.href],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      token_endpoint_auth_method: "none",
    };
  }

  /** What is to be kept; null while there is no token. */
  result(nowMs: number): Credentials | null {
    const [client, tokens, found] = [this.#client, this.#tokens, this.#discovered];
    if (client === undefined || tokens === undefined || found === undefined) return null;
    const metadata = found.authorizationServerMetadata;
    return {
      authorizationServer: found.authorizationServerUrl,
      ...(metadata === undefined ? {} : { metadata }),
      ...(this.#resource === undefined ? {} : { resource: this.#resource }),
      client,
      ...(this.#given ? { given: true } : {}),
      redirectUri: this.redirectUrl.href,
      login: this.#state,
      tokens,
      expiresAtMs: expiryOf(tokens, nowMs),
    };
  }

  state(): string {
    return this.#state;
  }

  clientInformation(
    context?: OAuthClientInformationContext,
  ): StoredOAuthClientInformation | undefined {
    const client = this.#client;
    if (client === undefined || context === undefined) return client;
    // One that the user has named belongs to the server it is first used at.
    const { issuer = context.issuer } = client;
    if (issuer !== context.issuer) return undefined;
    this.#client = { ...client, issuer };
    return this.#client;
  }

  saveClientInformation(client: StoredOAuthClientInformation): void {
    this.#client = client;
  }

  /** None: whoever runs the command wants to log in anew. */
  tokens(): undefined {}

  saveTokens(tokens: StoredOAuthTokens): void {
    this.#tokens = tokens;
  }

  redirectToAuthorization(address: URL): void {
    this.#show(address);
  }

  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier;
  }

  codeVerifier(): string {
    return this.#verifier;
  }

  saveResourceUrl(resource: string): void {
    this.#resource = resource;
  }

  saveDiscoveryState(state: OAuthDiscoveryState): void {
    this.#discovered = state;
  }

  discoveryState(): OAuthDiscoveryState | undefined {
    return this.#discovered;
  }
}
