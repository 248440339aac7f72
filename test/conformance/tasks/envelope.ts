import type { Params } from "../../fixtures/servers/rpc.ts";
import type { Answer } from "./board.ts";

export const REVISION = "2026-07-28";
export const TASKS = "io.modelcontextprotocol/tasks";

/** Keys of `_meta`. */
export const META = {
  protocolVersion: "io.modelcontextprotocol/protocolVersion",
  clientCapabilities: "io.modelcontextprotocol/clientCapabilities",
  serverInfo: "io.modelcontextprotocol/serverInfo",
  subscriptionId: "io.modelcontextprotocol/subscriptionId",
} as const;

/** The `_meta` of a request: its envelope. */
export function metaOf(params: Params): Params {
  return (params["_meta"] ?? {}) as Params;
}

/** Whether the client can handle tasks, as this very request says. */
export function declaresTasks(params: Params): boolean {
  const capabilities = (metaOf(params)[META.clientCapabilities] ?? {}) as Params;
  const extensions = (capabilities["extensions"] ?? {}) as Params;
  return TASKS in extensions;
}

export function missingTasks(): Answer {
  const data = { requiredCapabilities: { extensions: { [TASKS]: {} } } };
  return { error: { code: -32021, message: `The client did not declare ${TASKS}`, data } };
}
