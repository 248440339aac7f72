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
  /** The commands of upstreams, by name; one alone for a peer that takes no more. */
  readonly upstreams: Upstreams;
};

export type Upstreams = { readonly [name: string]: readonly string[] };

export type Peer = {
  readonly name: string;
  /** With its exact version: figures of another one are other figures. */
  readonly package: string;
  readonly kind: "http" | "sse";
  /** Whether one of it serves several upstreams. */
  readonly many: boolean;
  readonly path: (upstream: string) => string;
  /** Before the names of the upstream's tools. */
  readonly prefix: (upstream: string) => string;
  readonly command: (scene: PeerScene) => readonly string[];
};

export const PEERS: readonly Peer[] = [
  {
    name: "supergateway",
    package: "supergateway@4.0.0",
    kind: "http",
    many: false,
    path: () => "/mcp",
    prefix: () => "",
    // Without --stateful it starts a process for each request.
    command(scene) {
      const { port, installed } = scene;
      const upstream = onlyOf(scene);
      const door = ["--outputTransport", "streamableHttp", "--stateful", "--port", String(port)];
      const quiet = ["--logLevel", "none"];
      return [installed.bin("supergateway"), "--stdio", upstream.join(" "), ...door, ...quiet];
    },
  },
  {
    name: "mcp-proxy",
    package: "mcp-proxy@6.7.19",
    kind: "http",
    many: false,
    path: () => "/mcp",
    prefix: () => "",
    command(scene) {
      const { port, installed } = scene;
      const upstream = onlyOf(scene);
      const door = ["--host", "127.0.0.1", "--port", String(port), "--server", "stream"];
      return [installed.bin("mcp-proxy"), ...door, "--", ...upstream];
    },
  },
  {
    name: "mcp-hub",
    package: "mcp-hub@4.2.1",
    kind: "sse",
    many: true,
    path: () => "/mcp",
    prefix: (upstream) => `${upstream}__`,
    command(scene) {
      const { port, installed } = scene;
      return [installed.bin("mcp-hub"), "--port", String(port), "--config", configOf(scene)];
    },
  },
  {
    name: "mcporter",
    package: "mcporter@0.12.3",
    kind: "http",
    many: true,
    path: (upstream) => `/mcp/${upstream}`,
    prefix: () => "",
    command(scene) {
      const { port, installed } = scene;
      const config = ["--config", configOf(scene)];
      return [installed.bin("mcporter"), ...config, "serve", "--http", String(port)];
    },
  },
];

function onlyOf({ upstreams }: PeerScene): readonly string[] {
  return Object.values(upstreams)[0] ?? [];
}

function configOf({ home, upstreams }: PeerScene): string {
  const file = join(home, "servers.json");
  const mcpServers = Object.fromEntries(
    Object.entries(upstreams).map(([name, [command = "", ...args]]) => {
      // Only mcporter reads the last: without it, its daemon would not keep the server.
      return [name, { command, args, lifecycle: "keep-alive" }];
    }),
  );
  writeFileSync(file, JSON.stringify({ mcpServers }));
  return file;
}
