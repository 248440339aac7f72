/** The programs from the registry that do what mcpd does, and how each is started. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Installed } from "../interop/kit.ts";

/** A peer that is about to be started. */
export type PeerScene = {
  readonly port: number;
  /** Of its own, and its working directory. */
  readonly home: string;
  readonly installed: Installed;
  /** The trivial upstream. */
  readonly upstream: readonly string[];
};

export type Peer = {
  readonly name: string;
  /** With its exact version: figures of another one are other figures. */
  readonly package: string;
  readonly kind: "http" | "sse";
  readonly path: string;
  /** Before the names of the upstream's tools. */
  readonly prefix: string;
  readonly command: (scene: PeerScene) => readonly string[];
  /** One call of `echo` from the command line, where there is one. */
  readonly call?: (scene: PeerScene) => readonly string[];
};

export const PEERS: readonly Peer[] = [
  {
    name: "supergateway",
    package: "supergateway@4.0.0",
    kind: "http",
    path: "/mcp",
    prefix: "",
    // Without --stateful it starts a process for each request.
    command({ port, installed, upstream }) {
      const door = ["--outputTransport", "streamableHttp", "--stateful", "--port", String(port)];
      const quiet = ["--logLevel", "none"];
      return [installed.bin("supergateway"), "--stdio", upstream.join(" "), ...door, ...quiet];
    },
  },
  {
    name: "mcp-proxy",
    package: "mcp-proxy@6.7.19",
    kind: "http",
    path: "/mcp",
    prefix: "",
    command({ port, installed, upstream }) {
      const door = ["--host", "127.0.0.1", "--port", String(port), "--server", "stream"];
      return [installed.bin("mcp-proxy"), ...door, "--", ...upstream];
    },
  },
  {
    name: "mcp-hub",
    package: "mcp-hub@4.2.1",
    kind: "sse",
    path: "/mcp",
    prefix: "echo__",
    command(scene) {
      const { port, installed } = scene;
      return [installed.bin("mcp-hub"), "--port", String(port), "--config", configOf(scene)];
    },
  },
  {
    name: "mcporter",
    package: "mcporter@0.12.3",
    kind: "http",
    path: "/mcp/echo",
    prefix: "",
    command(scene) {
      const { port, installed } = scene;
      const config = ["--config", configOf(scene)];
      return [installed.bin("mcporter"), ...config, "serve", "--http", String(port)];
    },
    call(scene) {
      const config = ["--config", configOf(scene)];
      return [scene.installed.bin("mcporter"), ...config, "call", "echo.echo", "text=hello"];
    },
  },
];

function configOf({ home, upstream: [command = "", ...args] }: PeerScene): string {
  const file = join(home, "servers.json");
  // Only mcporter reads the last: without it, its daemon would not keep the server.
  const echo = { command, args, lifecycle: "keep-alive" };
  writeFileSync(file, JSON.stringify({ mcpServers: { echo } }));
  return file;
}
