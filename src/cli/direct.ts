// Direct mode: what a command does when no daemon runs. Loaded by then only.

import { ControlClient } from "../control/client.ts";
import { LocalControl } from "../control/local.ts";
import { FaultError } from "../core/fault.ts";
import type { Need, Question } from "./ask.ts";
import { openConfig, orThrow } from "./config-file.ts";
import { startDaemon } from "./daemon-start.ts";
import type { Output } from "./output.ts";

/**
 * Starts a daemon and asks it, where the config has `daemon.enabled` and `daemon.auto_start` on and
 * neither --no-daemon nor --config was given. Else it is the server itself, for one question.
 */
export async function askWithoutDaemon<T>(
  need: Need,
  output: Output,
  question: Question<T>,
  signal: AbortSignal,
): Promise<T> {
  const { platform, discovery, store } = openConfig(need.config);
  const { daemon } = discovery.origin === "defaults" ? store.lastGood : orThrow(store.load());
  const startsDaemon = need.daemon && need.config === undefined;
  if (startsDaemon && daemon.enabled && daemon.autoStart) {
    const problem = await startDaemon(undefined);
    if (problem === null) {
      const client = await ControlClient.connect(platform.paths.controlAddress);
      return await question(client, signal).finally(() => client.close());
    }
    if (problem.code !== "daemon.unreachable") throw new FaultError(problem);
    output.notes.warn(`${problem.text}; going on without it`);
  }
  return await askAlone(need.config, question, signal);
}

/** Is the server itself, without socket and listener, until the question is answered. */
export async function askAlone<T>(
  config: string | undefined,
  question: Question<T>,
  signal: AbortSignal,
): Promise<T> {
  const { platform, discovery, store } = openConfig(config);
  // A daemon would go on with the last good config; here a wrong one is the answer.
  if (discovery.origin !== "defaults") orThrow(store.load());
  const { startServer } = await import("../server/server.ts");
  const server = await startServer({
    platform,
    environment: process.env,
    config: discovery,
    port: null,
    mirrorLog: false,
    alone: true,
    supervised: false,
  });
  try {
    return await question(new LocalControl(server.handlers), signal);
  } finally {
    await server.stop();
  }
}
