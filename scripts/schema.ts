// Writes src/config/config.schema.json from the schema; a test proves that it is current.

import { join } from "node:path";

import { jsonSchema } from "../src/config/json-schema.ts";

const path = join(import.meta.dir, "../src/config/config.schema.json");
await Bun.write(path, `${JSON.stringify(await jsonSchema(), null, 2)}\n`);
// The tree holds it the way `bun fmt` writes it.
Bun.spawnSync([process.execPath, "fmt", path]);
