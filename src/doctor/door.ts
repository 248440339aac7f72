import type { Finding } from "./finding.ts";
import { keyOf } from "./registered.ts";
import type { Check, Scene } from "./scene.ts";

const ANSWER_MS = 3_000;
/** Nobody is called so: what a web page would say that has found our port. */
const STRANGER = "stranger.example";

type Answer = { readonly status: number; readonly body: string };

/** The port, from where clients are: who answers there, for which key, under which Host. */
export const doorCheck: Check = {
  title: "port and key",
  limitMs: 15_000,
  async run(scene) {
    const health = scene.status?.urls?.health;
    if (health !== undefined) return await ofOpenDoor(scene, new URL(health).origin);
    // A daemon without a port says itself why.
    return scene.status === null ? await ofClosedDoor(scene) : [];
  },
};

async function ofOpenDoor(scene: Scene, origin: string): Promise<readonly Finding[]> {
  const { auth, apiKeyFile } = scene.config.revision.daemon;
  const about = { subject: origin, severity: "error", fix: null } as const;
  const health = await ask(`${origin}/health`);
  if (health === null) {
    const what = `Nobody answers on ${origin}`;
    const why = "The daemon runs, but a firewall, a proxy or another network stands between";
    return [{ ...about, name: "door.deaf", what, why, mend: "mcpd restart" }];
  }
  const found: Finding[] = [];
  const foreign = await ask(`${origin}/health`, { Host: STRANGER });
  if (foreign !== null && foreign.status !== 403) {
    const what = `${origin} answers under a foreign Host`;
    const why = "A web page may reach your servers through its own name; is that mcpd?";
    found.push({ ...about, name: "door.host", what, why, mend: "mcpd upgrade" });
  }
  if (auth === "none") return found;
  const key = keyOf(scene) ?? "";
  const keyless = await ask(`${origin}/metrics`);
  const keyed = key === "" ? null : await ask(`${origin}/metrics`, { "X-API-Key": key });
  if (keyless?.status === 200) {
    const what = `${origin} answers without a key`;
    const why = "The daemon has not taken over daemon.auth of the config";
    found.push({ ...about, name: "key.open", what, why, mend: "mcpd restart" });
  } else if (keyed?.status === 401) {
    const what = `The daemon refuses the key of ${apiKeyFile}`;
    const why = "The file was changed since it started, or it has another key in its environment";
    found.push({ ...about, name: "key.refused", what, why, mend: "mcpd restart" });
  }
  return found;
}

/** Somebody else where our daemon is going to listen. */
async function ofClosedDoor({ config, bootstrap }: Scene): Promise<readonly Finding[]> {
  const { host, port } = config.revision.daemon;
  const answer = await ask(`http://${host.includes(":") ? "[::1]" : "127.0.0.1"}:${port}/health`);
  if (answer === null || bootstrap !== null) return [];
  const isOurs = /"(verdict|status)"/.test(answer.body) && /"version"/.test(answer.body);
  const what = `Port ${port} is taken by ${isOurs ? "another mcpd" : "another program"}`;
  const why = isOurs
    ? "It is of another user or home: this one listens on its private socket only"
    : "HTTP clients would talk to that; the bridge works, mcpd keeps trying";
  const about = { name: "door.taken", subject: String(port), severity: "error" } as const;
  return [{ ...about, what, why, mend: "mcpd config edit", fix: null }];
}

/** Null when nobody answers. What answers something that is not HTTP is somebody, too. */
async function ask(
  url: string,
  headers: { readonly [name: string]: string } = {},
): Promise<Answer | null> {
  try {
    // A proxy from the environment has no business on loopback.
    const signal = AbortSignal.timeout(ANSWER_MS);
    const answer = await fetch(url, { headers, signal, proxy: "", redirect: "manual" });
    return { status: answer.status, body: await answer.text() };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    return /refused/i.test(code) ? null : { status: 0, body: "" };
  }
}
