import type {
  OAuthClientMetadata,
  OAuthClientProvider,
  OAuthDiscoveryState,
  StoredOAuthClientInformation,
  StoredOAuthTokens,
} from "@modelcontextprotocol/client";

import { followToCallback } from "./login.ts";

const CALLBACK = "http://localhost:3000/callback";

/** Keeps the credentials of one run and logs in at once where the authorization server asks. */
export class User implements OAuthClientProvider {
  readonly redirectUrl: string = CALLBACK;
  /** Where the suite expects the metadata of the client to be; it is never fetched. */
  readonly clientMetadataUrl: string = "https://conformance-test.local/client-metadata.json";
  readonly clientMetadata: OAuthClientMetadata = {
    client_name: "conformance-client",
    redirect_uris: [CALLBACK],
  };
  #client: StoredOAuthClientInformation | undefined;
  #tokens: StoredOAuthTokens | undefined;
  #discovery: OAuthDiscoveryState | undefined;
  #verifier = "";
  #callback: URLSearchParams | null = null;

  /** A context with a client_id is that of a client registered beforehand. */
  constructor(context: { readonly [key: string]: unknown }) {
    const { client_id: id, client_secret: secret } = context;
    if (typeof id !== "string" || typeof secret !== "string") return;
    this.#client = { client_id: id, client_secret: secret };
  }

  /** What came back from a login since the last time, once. */
  takeCallback(): URLSearchParams | null {
    const callback = this.#callback;
    this.#callback = null;
    return callback;
  }

  async redirectToAuthorization(url: URL): Promise<void> {
    this.#callback = (await followToCallback(url)).searchParams;
  }

  clientInformation(): StoredOAuthClientInformation | undefined {
    return this.#client;
  }

  saveClientInformation(client: StoredOAuthClientInformation): void {
    this.#client = client;
  }

  tokens(): StoredOAuthTokens | undefined {
    return this.#tokens;
  }

  saveTokens(tokens: StoredOAuthTokens): void {
    this.#tokens = tokens;
  }

  codeVerifier(): string {
    return this.#verifier;
  }

  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier;
  }

  discoveryState(): OAuthDiscoveryState | undefined {
    return this.#discovery;
  }

  saveDiscoveryState(state: OAuthDiscoveryState): void {
    this.#discovery = state;
  }

  invalidateCredentials(what: "all" | "client" | "tokens" | "verifier" | "discovery"): void {
    if (what === "all" || what === "client") this.#client = undefined;
    if (what === "all" || what === "tokens") this.#tokens = undefined;
    if (what === "all" || what === "verifier") this.#verifier = "";
    if (what === "all" || what === "discovery") this.#discovery = undefined;
  }
}
