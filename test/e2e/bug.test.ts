import { describe, expect } from "bun:test";
import { join } from "node:path";

import { posixTest } from "../helpers/posix.ts";
import { fixture, processesOf } from "../helpers/program.ts";
import { ROOT } from "../helpers/sources.ts";
import { waitFor } from "../helpers/wait.ts";
import { Home } from "./harness.ts";
import { upstreamOf } from "./status.ts";

// A bug that nobody foresaw must not go on in a state nobody knows: the daemon ends, and whoever
// looks after it starts another.

const BUGGY = join(ROOT, "test", "fixtures", "process", "bug.ts");

describe("a bug ends the daemon, with its stack in the log and no process left", () => {
  for (const [place, signal] of [
    ["a callback", "SIGUSR2"],
    ["a promise", "SIGWINCH"],
  ] as const) {
    posixTest(`in ${place}`, async () => {
      using home = new Home();
      // Its grandchild does not notice when its pipes are closed.
      const family = fixture("misbehaver.ts", "--mode=grandchild");
      home.writeConfig({ mcpServers: { family } });
      const words = ["serve", "--foreground", "--port", "0"];
      const daemon = Bun.spawn([process.execPath, "run", BUGGY, ...words], {
        cwd: home.path,
        env: { ...home.env },
        stdio: ["ignore", "ignore", "ignore"],
      });
      // A call would start a daemon of its own as long as there is no socket.
      await waitFor("the control socket", async () => (await home.run("status")).exitCode === 0);
      expect((await home.run("call", "family", "echo", "text=hello")).exitCode).toBe(0);
      await upstreamOf(home, "family", ({ state }) => state === "ready");
      daemon.kill(signal);
      expect(await daemon.exited).toBe(70);
      expect(processesOf(home.path)).toEqual([]);
      expect(home.log()).toMatch(/CRITICAL - mcpd has a bug and ends error=.*a bug.*bug\.ts/);
    });
  }
});
