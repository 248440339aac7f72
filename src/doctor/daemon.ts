import type { Status } from "../control/api.ts";
import type { Condition } from "../core/condition.ts";
import { type Finding, ofCondition } from "./finding.ts";
import type { Check, Scene } from "./scene.ts";

/** Of all sessions that fit: more is a client that opens one per request and leaves it. */
const CROWDED = 0.8;

/** Whether it runs, what it says itself, and sessions that nobody seems to use. */
export const daemonCheck: Check = {
  title: "daemon",
  limitMs: 10_000,
  async run(scene) {
    const { status, bootstrap } = scene;
    if (status === null) return await whyDown(scene);
    const known = new Set(status.conditions.map(({ name }) => name));
    const more = bootstrap?.conditions.filter(({ name }) => !known.has(name)) ?? [];
    const told = [...status.conditions, ...more].filter((one) => !isToldElsewhere(one, scene));
    return [...told.map(ofCondition), ...crowded(status, scene)];
  },
};

/** Config and upstreams have checks of their own, which see more. */
function isToldElsewhere({ name, subject }: Condition, { config }: Scene): boolean {
  return (
    name.startsWith("config.") || config.revision.units.some((one) => one.upstream === subject)
  );
}

async function whyDown(scene: Scene): Promise<readonly Finding[]> {
  const { bootstrap, config, service } = scene;
  const about = { name: "daemon.down", subject: "" } as const;
  if (!config.revision.daemon.enabled) {
    const what = "The daemon is switched off";
    const why = "daemon.enabled is false in the config";
    return [{ ...about, severity: "info", what, why, mend: "mcpd start", fix: null }];
  }
  const own = bootstrap?.conditions.filter((one) => !one.name.startsWith("config.")) ?? [];
  if (bootstrap !== null) {
    const { state, lastExit } = bootstrap.server;
    const what = `The server is not ready: it is ${state}`;
    const why = lastExit === null ? "It has just been started" : `The last one ended: ${lastExit}`;
    const mend = "mcpd logs --bootstrap";
    return [{ ...about, severity: "error", what, why, mend, fix: null }, ...own.map(ofCondition)];
  }
  // The service's own check says so, and starts it.
  if ((await service.manager.state()).registered) return [];
  const what = "The daemon is not running";
  const why = "Clients of HTTP reach nobody; a bridge starts one";
  const fix = { text: "Start the daemon", apply: () => scene.start() };
  return [{ ...about, severity: "error", what, why, mend: "mcpd start", fix }];
}

function crowded({ sessions }: Status, { config }: Scene): readonly Finding[] {
  const { sessionsMax } = config.revision.server;
  if (sessions < sessionsMax * CROWDED) return [];
  const what = `${sessions} of ${sessionsMax} sessions are open`;
  const why = "A client opens new ones and leaves the old; the oldest make room";
  return [
    {
      name: "sessions.stale",
      subject: "server.session_idle_secs",
      severity: "warning",
      what,
      why,
      mend: "mcpd config explain server.session_idle_secs",
      fix: null,
    },
  ];
}
