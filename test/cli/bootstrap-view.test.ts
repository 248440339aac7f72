import { expect, test } from "bun:test";

import { bootstrapView } from "../../src/cli/status-view.ts";
import { paint } from "../../src/cli/style.ts";
import type { BootstrapStatus } from "../../src/control/supervision.ts";

const STATUS: BootstrapStatus = {
  version: "1.2.3",
  pid: 40,
  startedAtMs: 0,
  service: true,
  config: { path: "/config", enabled: true },
  server: {
    state: "waiting",
    pid: null,
    version: null,
    urls: null,
    restarts: 2,
    lastExit: "exit code 70",
  },
  conditions: [
    {
      name: "server.crashing",
      subject: "",
      severity: "error",
      text: "The server has ended 3 times",
      hint: "See 'mcpd logs'.",
      sinceMs: 0,
    },
  ],
};

test("the status without a server says why there is none", () => {
  expect(bootstrapView(STATUS, paint(false)).split("\n")).toEqual([
    "mcpd 1.2.3  the server has ended and is about to be started again, restarted 2 times, the last one ended: exit code 70",
    "bootstrap  pid 40, a service",
    "config     /config",
    "",
    "error: The server has ended 3 times",
    "  See 'mcpd logs'.",
  ]);
});
