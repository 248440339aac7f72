/** Stands in for the browser: the suite's authorization server says yes without asking. */
import type { Daemon } from "../../e2e/harness.ts";
import { program } from "../../helpers/program.ts";
import { within } from "../../helpers/wait.ts";

/** Where the authorization server sends the user back to. */
export async function followToCallback(url: URL): Promise<URL> {
  const response = await fetch(url, { redirect: "manual" });
  const location = response.headers.get("location");
  if (location === null) throw new Error(`${url.href} sent nobody back: ${response.status}`);
  return new URL(location);
}

/**
 * Runs `mcpd auth UPSTREAM`, visits the address it prints and lets it have the answer. A context
 * with a client_id is that of a client registered beforehand.
 */
export async function logIn(
  daemon: Daemon,
  upstream: string,
  { client_id: id, client_secret: secret }: { readonly [key: string]: unknown },
): Promise<void> {
  const known = typeof id === "string" && typeof secret === "string";
  const words = known ? ["--client-id", id, "--client-secret-env", "CLIENT_SECRET"] : [];
  const login = Bun.spawn([program(), "auth", upstream, ...words], {
    cwd: daemon.home.path,
    env: { ...daemon.home.env, ...(known ? { CLIENT_SECRET: secret } : {}) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const address = await within("the address of the login", firstUrl(login.stdout));
    await fetch(await followToCallback(address));
    const exitCode = await within("the end of the login", login.exited);
    if (exitCode !== 0) throw new Error(`mcpd auth ended with ${exitCode}`);
  } finally {
    login.kill();
  }
}

async function firstUrl(stdout: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<URL> {
  let said = "";
  for await (const chunk of stdout.pipeThrough(new TextDecoderStream())) {
    said += chunk;
    const found = /https?:\/\/\S+(?=\s)/.exec(said);
    if (found !== null) return new URL(found[0]);
  }
  throw new Error(`mcpd auth printed no address: "${said}"`);
}
