/** What an authorization server sends the browser back with. */
export type Redirected = {
  readonly code: string | null;
  readonly state: string | null;
  readonly iss: string | null;
  readonly error: string | null;
};

const PATH = "/callback";

/**
 * Waits on a loopback port for the browser to come back from a login (RFC 8252, section 7.3). Who
 * comes with another `state` than was sent is told so, and waited on for further.
 */
export class RedirectListener implements Disposable {
  readonly redirected: Promise<Redirected>;
  readonly #server: Bun.Server<undefined>;

  /** Listens on `port`, or on another one when it is taken or 0. */
  constructor(port: number, state: string) {
    const { promise, resolve } = Promise.withResolvers<Redirected>();
    this.redirected = promise;
    const handle = (request: Request): Response => {
      const { pathname, searchParams: query } = new URL(request.url);
      if (pathname !== PATH) return new Response("Not found", { status: 404 });
      if (query.get("state") !== state) return page(400, "This login was not asked for.");
      const error = query.get("error_description") ?? query.get("error");
      resolve({ code: query.get("code"), state, iss: query.get("iss"), error });
      const words = error === null ? "You are logged in." : "The login was refused.";
      return page(200, `${words} You may close this page.`);
    };
    this.#server = listen(port, handle);
  }

  get url(): URL {
    return new URL(`http://127.0.0.1:${this.#server.port}${PATH}`);
  }

  [Symbol.dispose](): void {
    void this.#server.stop();
  }
}

function listen(port: number, fetch: (request: Request) => Response): Bun.Server<undefined> {
  const options = { hostname: "127.0.0.1", fetch, development: false };
  try {
    return Bun.serve({ ...options, port });
  } catch {
    return Bun.serve({ ...options, port: 0 });
  }
}

function page(status: number, text: string): Response {
  const html = `<!doctype html><meta charset="utf-8"><title>mcpd</title><p>${text}</p>`;
  const headers = { "content-type": "text/html; charset=utf-8", connection: "close" };
  return new Response(html, { status, headers });
}
