import { afterAll, describe, expect } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { systemClock } from "../../src/lib/clock.ts";
import { loginShellPath } from "../../src/platform/login-path.ts";
import { posixTest } from "../helpers/posix.ts";

const home = mkdtempSync(join(tmpdir(), "mcpd-lp-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));
const GENEROUS_MS = 20_000;

/** A shell that is a script: it does what a profile could do, then runs the command it is given. */
function shell(name: string, profile: string): string {
  const path = join(home, name);
  writeFileSync(path, `#!/bin/sh\n${profile}\nexec /bin/sh -c "$4"\n`, { mode: 0o755 });
  return path;
}

const ask = (SHELL: string | undefined, timeoutMs = GENEROUS_MS): Promise<string | null> =>
  loginShellPath({ SHELL, HOME: home, PATH: "/bin:/usr/bin" }, timeoutMs, systemClock);

describe("loginShellPath()", () => {
  posixTest("finds what the profile of a real shell sets", async () => {
    writeFileSync(join(home, ".profile"), 'PATH="/from/profile:$PATH"\n');
    expect(await ask("/bin/sh")).toStartWith("/from/profile:");
  });

  posixTest("is not confused by what a profile prints", async () => {
    const path = shell(
      "chatty",
      "echo Welcome; echo $PATH; PATH=/nvm/bin; yes hello | head -c 90000",
    );
    expect(await ask(path)).toBe("/nvm/bin");
  });

  posixTest("does not wait for what a profile leaves running", async () => {
    expect(await ask(shell("agent", "sleep 600 & PATH=/agent/bin"))).toBe("/agent/bin");
  });

  posixTest("gives a profile that reads its input none, and no terminal", async () => {
    expect(await ask(shell("reader", "read answer; PATH=/read/bin$answer"))).toBe("/read/bin");
  });

  posixTest("gives up on a profile that hangs", async () => {
    expect(await ask(shell("hanging", "sleep 600"), 50)).toBeNull();
  });

  posixTest("gives up on a profile that never stops printing", async () => {
    expect(await ask(shell("endless", "yes"))).toBeNull();
  });

  posixTest("says nothing without a usable shell", async () => {
    expect(await ask(undefined)).toBeNull();
    expect(await ask("sh")).toBeNull();
    expect(await ask("/no/such/shell")).toBeNull();
    expect(await ask("/bin/false")).toBeNull();
  });
});
