import { statSync } from "node:fs";

import { formatDuration } from "../lib/text.ts";
import type { Check } from "./scene.ts";

/** Clocks of network drives and containers are never quite the same. */
const SLACK_MS = 5 * 60_000;

/** A clock that is behind refuses certificates, and takes logins for fresh that have ended. */
export const clockCheck: Check = {
  title: "clock",
  limitMs: 5_000,
  run({ clock, platform, config, status }) {
    const { paths } = platform;
    const seen = [config.path, paths.apiKeyFile, paths.runtimeFile, paths.stateDir].map((path) => {
      return { path, atMs: changedMs(path) };
    });
    if (status !== null) seen.push({ path: "the daemon", atMs: status.startedAtMs });
    const latest = seen.toSorted((a, b) => b.atMs - a.atMs)[0];
    const aheadMs = (latest?.atMs ?? 0) - clock.now();
    if (latest === undefined || aheadMs < SLACK_MS) return [];
    const now = new Date(clock.now()).toISOString();
    const what = `The clock of this machine is wrong: it says ${now}`;
    const why = `${latest.path} is from ${formatDuration(aheadMs)} later; certificates and logins depend on the time`;
    const mend = platform.name === "linux" ? "timedatectl set-ntp true" : "";
    const about = { name: "clock.behind", subject: "", severity: "warning" } as const;
    return [{ ...about, what, why, mend, fix: null }];
  },
};

function changedMs(path: string): number {
  try {
    return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  } catch {
    return 0;
  }
}
