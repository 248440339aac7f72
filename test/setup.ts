/**
 * Preloaded by `bun test`: a test never sees the home, the config or the zone of whoever runs it.
 * Everything a program derives from the environment lands in one short directory under /tmp
 * (short, because a Unix socket path holds about 100 bytes), removed at the end.
 */
import { afterAll } from "bun:test";
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const base = process.platform === "win32" ? tmpdir() : "/tmp";
const root = realpathSync(mkdtempSync(join(base, "mcpd-")));

function isolate(name: string, folder: string): void {
  const path = join(root, folder);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  process.env[name] = path;
}

for (const name of Object.keys(process.env)) {
  if (name.startsWith("MCPD_") || name.startsWith("XDG_")) {
    delete process.env[name];
  }
}

isolate("HOME", "home");
isolate("USERPROFILE", "home");
isolate("XDG_CONFIG_HOME", "config");
isolate("XDG_DATA_HOME", "data");
isolate("XDG_STATE_HOME", "state");
isolate("XDG_CACHE_HOME", "cache");
isolate("XDG_RUNTIME_DIR", "run");
isolate("LOCALAPPDATA", "local");
isolate("APPDATA", "roaming");
process.env.TZ = "UTC";

// An "exit" listener would be too late: bun test ends without calling it.
afterAll(() => {
  rmSync(root, { recursive: true, force: true, maxRetries: 3 });
});
