import { nearestExisting } from "../lib/files.ts";
import { formatBytes } from "../lib/text.ts";
import type { Finding } from "./finding.ts";
import type { Check, Scene } from "./scene.ts";

/** Less, and what has to be written may not be: logs turn over, an upgrade does not fit. */
const SCARCE_BYTES = 200 * 1024 * 1024;
/** Less, and sessions and configs are lost. */
const NONE_BYTES = 10 * 1024 * 1024;

/** What may still be written where mcpd writes. */
export const diskCheck: Check = {
  title: "disk",
  limitMs: 5_000,
  run({ platform, freeBytes }: Scene) {
    const { configDir, stateDir, dataDir, logsDir, cacheDir, programsDir } = platform.paths;
    const places = [configDir, stateDir, dataDir, logsDir, cacheDir, programsDir];
    const found = [...new Set(places.map(nearestExisting))].flatMap((directory): Finding[] => {
      const bytes = freeBytes(directory);
      if (bytes === null || bytes >= SCARCE_BYTES) return [];
      const severity = bytes < NONE_BYTES ? "error" : "warning";
      const what = `The disk of ${directory} has ${formatBytes(bytes)} left`;
      const why = "Sessions, logs and configs are not kept on a full disk";
      const about = { name: "disk.full", subject: directory, mend: `df -h ${directory}` };
      return [{ ...about, severity, what, why, fix: null }];
    });
    // One disk is told once.
    return found.slice(0, 1);
  },
};
