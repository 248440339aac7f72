import { describe, expect, test } from "bun:test";
import { readdirSync, statSync, writeFileSync } from "node:fs";

import { systemClock } from "../../src/lib/clock.ts";
import { logIn, type LoginOptions } from "../../src/server/oauth-flow.ts";
import { StoredLogin } from "../../src/server/oauth-login.ts";
import { CredentialStore } from "../../src/server/oauth-store.ts";
import { HttpOrSseLink } from "../../src/transport/http-or-sse.ts";
import { LoginServer } from "../fixtures/servers/login.ts";
import { RemoteServer } from "../fixtures/servers/remote.ts";
import { posixTest } from "../helpers/posix.ts";
import { TemporaryDirectory } from "../helpers/temporary.ts";
import { RemoteScene } from "../transport/remote-scene.ts";

/** A server that wants a login, and a place to keep one. */
class Scene implements Disposable {
  readonly server = new LoginServer();
  readonly directory = new TemporaryDirectory();

  store(): CredentialStore {
    return new CredentialStore(this.directory.path, "far", new URL(this.server.url), systemClock);
  }

  login(): StoredLogin {
    return new StoredLogin("far", this.store(), systemClock);
  }

  /** Logs in as a person with a browser does. */
  async logIn(options: Partial<LoginOptions> = {}): ReturnType<typeof logIn> {
    return await logIn({
      upstream: "far",
      url: new URL(this.server.url),
      store: this.store(),
      clock: systemClock,
      patienceMs: 10_000,
      show: (address) => void fetch(address).catch(() => null),
      ...options,
    });
  }

  link(): RemoteScene {
    const login = this.login();
    return new RemoteScene((...words) => new HttpOrSseLink(...words), this.server.url, { login });
  }

  [Symbol.dispose](): void {
    this.server[Symbol.dispose]();
    this.directory[Symbol.dispose]();
  }
}

describe("logging in", () => {
  test("finds the way to a token that the server takes, for that server alone", async () => {
    using scene = new Scene();
    expect(await scene.logIn()).toBeNull();
    expect(scene.server.resources).toEqual([scene.server.url]);
    expect(scene.store().read()).toMatchObject({
      authorizationServer: scene.server.origin,
      resource: scene.server.url,
      tokens: { scope: "tools", issuer: scene.server.origin },
    });
    await using link = scene.link();
    await link.initialize();
    expect(await link.call("echo", { text: "let in" })).toBe("let in");
  });

  posixTest("leaves a file that nobody else can read", async () => {
    using scene = new Scene();
    await scene.logIn();
    const logins = scene.directory.file("logins");
    const [name = ""] = readdirSync(logins);
    expect(name).toMatch(/^far-[0-9a-f]{16}\.json$/);
    expect(statSync(`${logins}/${name}`).mode & 0o777).toBe(0o600);
    expect(statSync(logins).mode & 0o777).toBe(0o700);
  });

  test("again uses the registration again, or makes another when it is not known", async () => {
    using scene = new Scene();
    await scene.logIn();
    await scene.logIn();
    expect(scene.server.registrations).toBe(1);
    scene.server.forgetClients();
    expect((await scene.logIn())?.text).toContain("invalid_client, says the test");
    expect(await scene.logIn()).toBeNull();
    expect(scene.server.registrations).toBe(2);
  });

  test("finds the way at a server of 2026-07-28 too, which knows no greeting", async () => {
    using scene = new Scene();
    scene.server.modern = true;
    expect(await scene.logIn()).toBeNull();
    const last = scene.server.mcp.seen.findLast((row) => row.message?.method === "tools/list");
    expect(last?.headers.get("mcp-protocol-version")).toBe("2026-07-28");
  });

  test("that the person refuses, or walks away from, says so", async () => {
    using scene = new Scene();
    scene.server.approve = false;
    expect(await scene.logIn()).toMatchObject({
      code: "login.failed",
      text: 'Cannot log in at upstream "far": access_denied',
    });
    const problem = await scene.logIn({ patienceMs: 1, show: () => {} });
    expect(problem?.text).toContain("nobody has come back from the browser");
    expect(scene.store().read()).toBeNull();
  });
});

describe("logging in at a server that", () => {
  test("lets everybody say hello is possible all the same", async () => {
    using scene = new Scene();
    scene.server.greets = true;
    expect(await scene.logIn()).toBeNull();
  });

  test("registers no clients takes one that the user has made there", async () => {
    using scene = new Scene();
    scene.server.registers = false;
    expect((await scene.logIn())?.text).toContain("give --client-id");
    scene.server.addClient("made by hand");
    expect(await scene.logIn({ client: { id: "made by hand" } })).toBeNull();
    // It is known from then on, at that server.
    expect(scene.store().read()?.client.issuer).toBe(scene.server.origin);
    expect(await scene.logIn()).toBeNull();
    expect(scene.server.registrations).toBe(0);
  });

  test("wants more rights for a call asks for those too, the next time", async () => {
    using scene = new Scene();
    await scene.logIn();
    scene.server.needed = "write";
    await using link = scene.link();
    await link.initialize();
    const { error } = await link.request("tools/call", { name: "count" });
    expect(error?.data).toMatchObject({ fault: "upstream.needs-login" });
    expect(error?.message).toContain("more rights: write");
    expect(await scene.logIn()).toBeNull();
    expect(scene.store().read()?.tokens?.scope).toBe("tools write");
    expect(await link.call("count")).toBe("1");
  });

  test("wants no login says so", async () => {
    using scene = new Scene();
    using open = new RemoteServer();
    const problem = await scene.logIn({ url: new URL(open.url) });
    expect(problem?.text).toContain("it asks for no login (HTTP 200)");
  });
});

describe("a stored login", () => {
  test("is renewed when the server refuses its token, and the request goes through", async () => {
    using scene = new Scene();
    await scene.logIn();
    await using link = scene.link();
    await link.initialize();
    scene.server.expire();
    expect(await link.call("count")).toBe("1");
    expect(scene.server.refreshes).toBe(1);
    expect(scene.server.mcp.counted).toBe(1);
  });

  test("is renewed once, however many find at once that it has expired", async () => {
    using scene = new Scene();
    await scene.logIn();
    const old = scene.store().read()?.tokens?.access_token ?? "";
    scene.server.expire();
    // Each with a store of its own, as several processes have.
    const logins = Array.from({ length: 8 }, () => scene.login());
    const fresh = await Promise.all(logins.map((login) => login.renew(old)));
    expect(new Set(fresh).size).toBe(1);
    expect(fresh[0]).not.toBe(old);
    expect(scene.server.refreshes).toBe(1);
  });

  test("is renewed before it expires", async () => {
    using scene = new Scene();
    scene.server.expiresIn = 10;
    await scene.logIn();
    const old = scene.store().read()?.tokens?.access_token;
    scene.server.expiresIn = 3600;
    const login = scene.login();
    const token = await login.token();
    expect(token).not.toBe(old ?? "");
    expect(await login.token()).toBe(token);
    expect(scene.server.refreshes).toBe(1);
  });

  test("that was revoked ends the link with the command to run, and asks no more", async () => {
    using scene = new Scene();
    await scene.logIn();
    await using link = scene.link();
    await link.initialize();
    scene.server.revoke();
    link.ask("tools/call", { name: "echo", arguments: {} });
    const problem = await link.closed();
    expect(problem).toMatchObject({ code: "upstream.needs-login", subject: "far" });
    expect(problem.text).toContain("the login has ended: invalid_grant, says the test");
    await using next = scene.link();
    next.ask("initialize");
    expect((await next.closed()).code).toBe("upstream.needs-login");
    expect(scene.server.refreshes).toBe(1);
    expect(await scene.logIn()).toBeNull();
    expect(scene.server.registrations).toBe(1);
  });

  test("goes with its registration, so that the next one makes another", async () => {
    using scene = new Scene();
    await scene.logIn();
    scene.server.forgetClients();
    const token = scene.store().read()?.tokens?.access_token ?? "";
    expect(await scene.login().renew(token)).toMatchObject({ code: "upstream.needs-login" });
    expect(await scene.logIn()).toBeNull();
  });

  test("is kept when the authorization server is out of order", async () => {
    using scene = new Scene();
    await scene.logIn();
    const before = scene.store().read();
    if (before === null) throw new Error("there is no login");
    scene.store().write({
      ...before,
      metadata: { ...before.metadata, token_endpoint: "http://127.0.0.1:1/" } as never,
    });
    const problem = await scene.login().renew(before.tokens?.access_token ?? "");
    expect(problem).toMatchObject({ code: "upstream.unreachable" });
    expect(scene.store().read()?.tokens).toEqual(before.tokens);
  });

  posixTest("whose file cannot be made is no login, and says why", async () => {
    using scene = new Scene();
    writeFileSync(scene.directory.file("logins"), "in the way");
    expect(await scene.login().token()).toBeNull();
    expect(await scene.login().renew(null)).toMatchObject({
      code: "upstream.unreachable",
      text: expect.stringContaining("the login cannot be renewed: "),
    });
  });

  test("that is not there says so", async () => {
    using scene = new Scene();
    await using link = scene.link();
    link.ask("initialize");
    expect(await link.closed()).toMatchObject({
      code: "upstream.needs-login",
      text: 'Upstream "far" asks for a login: nobody has logged in',
    });
  });
});
