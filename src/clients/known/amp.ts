import { type Client, inHome, inProject } from "../client.ts";
import { commonDialect } from "../dialect.ts";
import type { Shape } from "../shape.ts";

const shape: Shape = { format: "json", path: ["amp.mcpServers"] };
const dialect = commonDialect();
const FILES = ["settings.json", "settings.jsonc"];

/** Format: https://ampcode.com/manual#configuration. */
export const amp: Client = {
  id: "amp",
  title: "Amp",
  http: false,
  traces: (where) => [inHome(where, ".config", "amp")],
  places: (where) => [
    {
      scope: "user",
      paths: FILES.map((name) => inHome(where, ".config", "amp", name)),
      shape,
      dialect,
    },
    ...inProject(
      where,
      FILES.map((name) => [".amp", name]),
      { shape, dialect },
    ),
  ],
};
