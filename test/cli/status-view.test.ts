import { expect, test } from "bun:test";

import { statusView } from "../../src/cli/status-view.ts";
import { paint } from "../../src/cli/style.ts";
import { STATUS } from "./bench.ts";

test("statusView() shows the daemon, its upstreams and what needs attention", () => {
  expect(statusView(STATUS, paint(false), 80)).toMatchInlineSnapshot(`
    "mcpd 1.2.3  degraded, up 3 min 20 s, pid 40, 22.9 MB
    MCP     http://127.0.0.1:8400/mcp (key: mcpd show-key)
    SSE     http://127.0.0.1:8400/sse
    config  built-in defaults (revision 7, 1 warning)
    load    2 sessions, 1 in flight, 1234 requests, 0 errors

    UPSTREAM  STATE          UP  CALLS  ERRORS  TOOLS  REACH
    files     ready   1 min 1 s     12       0      3  npx files /tmp
    web       failed          -     12       4      0  npx files /tmp

    warning: Upstream "web" ended with exit code 1
      See 'mcpd logs web'."
  `);
});

test("statusView() says that the daemon runs with another config than was asked about", () => {
  const config = { ...STATUS.config, path: "/one" };
  const shown = (asked: string): string =>
    statusView({ ...STATUS, config }, paint(false), null, asked);
  expect(shown("/other")).toContain("this daemon runs with that one, not with /other");
  expect(shown("/one")).not.toContain("this daemon runs");
});

test("statusView() says that nothing listens", () => {
  expect(statusView({ ...STATUS, urls: null }, paint(false), null)).toContain("not listening");
});
