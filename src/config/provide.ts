import { existsSync } from "node:fs";

import { type Fault, fault, isFault } from "../core/fault.ts";
import type { Discovery } from "./discover.ts";
import type { ConfigStore } from "./store.ts";

/** The default file is made when it is missing (MISSION A14); one that was named must be there. */
export async function provideConfig(
  store: ConfigStore,
  { path, origin }: Discovery,
): Promise<Fault | null> {
  if (origin !== "defaults") {
    if (existsSync(path)) return null;
    return fault("config.unreadable", `There is no config file ${path}`, path);
  }
  const created = await store.createDefault();
  return isFault(created) ? created : null;
}
