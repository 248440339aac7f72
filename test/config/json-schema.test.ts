import { describe, expect, test } from "bun:test";
import { join } from "node:path";

import { Validator } from "@cfworker/json-schema";

import { explainRows } from "../../src/config/explain.ts";
import { jsonSchema } from "../../src/config/json-schema.ts";
import { parseConfig } from "../../src/config/parse.ts";
import { CONFIG_TEMPLATE } from "../../src/config/template.ts";
import { isFault } from "../../src/core/fault.ts";

const validator = new Validator(await jsonSchema(), "7");

function accepts(value: unknown): boolean {
  return validator.validate(value).valid;
}

describe("the JSON Schema", () => {
  test("in the tree is current (bun run schema writes it)", async () => {
    const path = join(import.meta.dir, "../../src/config/config.schema.json");
    expect(await Bun.file(path).json()).toEqual(await jsonSchema());
  });

  test("accepts the config that mcpd writes", () => {
    const parsed = parseConfig(CONFIG_TEMPLATE, "f");
    expect(isFault(parsed) ? false : accepts(parsed.value)).toBe(true);
  });

  test.each([
    [{}],
    [{ $schema: "x", _version: "1.0", _note: 1, "// x": 2 }],
    [
      {
        daemon: { port: null, _port_help: "x", cors: { allowed_origins: ["http://localhost:*"] } },
      },
    ],
    [{ mcpServers: { _note: "x", files: { command: "npx", args: ["-y"], scope: "project" } } }],
    [
      {
        mcpServers: {
          a: { url: "https://e.com", headers: { A: { env: "K", prefix: "Bearer " } } },
        },
      },
    ],
    [{ mcpServers: { a: { command: "x", env: { _JAVA_OPTIONS: "x", B: { file: "f" } } } } }],
  ])("accepts %j", (value) => {
    expect(validator.validate(value).errors).toEqual([]);
  });

  test.each([
    [{ daemon: { port: 80 } }],
    [{ daemon: { prot: 1 } }],
    [{ daemon: { log_level: "info" } }],
    [{ mcpServers: { a: {} } }],
    [{ mcpServers: { a__b: { command: "x" } } }],
    [{ mcpServers: { a: { command: "x", env: { B: 5 } } } }],
  ])("marks %j", (value) => {
    expect(accepts(value)).toBe(false);
  });

  test("tells an editor title, description, default and choices of every key", async () => {
    const text = JSON.stringify(await jsonSchema());
    for (const row of explainRows(null)) expect(text).toContain(JSON.stringify(row.description));
    expect(await jsonSchema()).toMatchObject({
      properties: {
        daemon: {
          properties: {
            log_level: {
              title: "Log level",
              default: "INFO",
              enum: ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"],
            },
          },
        },
      },
    });
    expect(text).not.toContain('"applies"');
    expect(text).not.toContain('"words"');
  });
});
