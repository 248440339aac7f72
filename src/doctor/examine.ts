import { isFault } from "../core/fault.ts";
import { reasonOf } from "../lib/files.ts";
import { formatDuration } from "../lib/text.ts";
import { clientsCheck } from "./clients.ts";
import { clockCheck } from "./clock.ts";
import { configCheck } from "./config.ts";
import { daemonCheck } from "./daemon.ts";
import { diskCheck } from "./disk.ts";
import { doorCheck } from "./door.ts";
import type { Finding } from "./finding.ts";
import { leftoversCheck } from "./leftovers.ts";
import { orphansCheck } from "./orphans.ts";
import { rightsCheck } from "./rights.ts";
import type { Check, Scene } from "./scene.ts";
import { serviceCheck } from "./service.ts";
import { upstreamsCheck } from "./upstreams.ts";
import { versionsCheck } from "./versions.ts";

/** Every check; the order is that of what they find. */
export const CHECKS: readonly Check[] = [
  configCheck,
  rightsCheck,
  serviceCheck,
  daemonCheck,
  doorCheck,
  upstreamsCheck,
  clientsCheck,
  orphansCheck,
  leftoversCheck,
  versionsCheck,
  diskCheck,
  clockCheck,
];

const RANK = { error: 0, warning: 1, info: 2 } as const;

/**
 * Runs the checks side by side, each within its time, and gives what they find, the worst first.
 * `left` hears which are still under way.
 */
export async function examine(
  scene: Scene,
  checks: readonly Check[] = CHECKS,
  left: (titles: readonly string[]) => void = () => undefined,
): Promise<readonly Finding[]> {
  const open = new Set(checks.map(({ title }) => title));
  left([...open]);
  const found = await Promise.all(
    checks.map(async (check) => {
      const findings = await within(check, scene);
      open.delete(check.title);
      left([...open]);
      return findings;
    }),
  );
  return found.flat().toSorted((a, b) => RANK[a.severity] - RANK[b.severity]);
}

/** One check that hangs or fails keeps nobody from the others. */
async function within(check: Check, scene: Scene): Promise<readonly Finding[]> {
  const late = Promise.withResolvers<readonly Finding[]>();
  const timer = scene.clock.after(check.limitMs, () => {
    const why = `It has taken longer than ${formatDuration(check.limitMs)}`;
    late.resolve([undone(check, "check.slow", why)]);
  });
  try {
    return await Promise.race([run(check, scene), late.promise]);
  } catch (error) {
    return [undone(check, "check.failed", reasonOf(error))];
  } finally {
    timer.cancel();
  }
}

async function run(check: Check, scene: Scene): Promise<readonly Finding[]> {
  return await check.run(scene);
}

function undone({ title }: Check, name: string, why: string): Finding {
  const what = `The check of ${title} was not finished`;
  return { name, subject: title, severity: "warning", what, why, mend: "mcpd doctor", fix: null };
}

/** What became of a fix: null when it is done, else why not, for people. */
export async function applyFix({ fix }: Finding): Promise<string | null> {
  try {
    const problem = (await fix?.apply()) ?? null;
    return isFault(problem) ? problem.text : null;
  } catch (error) {
    return reasonOf(error);
  }
}
