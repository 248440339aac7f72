import { ConfigSchema } from "./schema.ts";

type JsonObject = { readonly [key: string]: unknown };

/** Notes of the user's: allowed in every object, meaning nothing. */
const NOTES: JsonObject = { "^(_|//|\\$schema$)": {} };

/** Parts of our metadata that are for mcpd alone. */
const OWN_METADATA = new Set(["applies", "words"]);

/**
 * The JSON Schema (draft 7) of the config, for editors: titles, descriptions, defaults, choices.
 * Editors that know the two `allow` keywords accept comments and trailing commas.
 */
export async function jsonSchema(): Promise<JsonObject> {
  // Only a command and a first start need the converter.
  const { toJsonSchema } = await import("@valibot/to-json-schema");
  const converted = toJsonSchema(ConfigSchema, {
    typeMode: "input",
    errorMode: "ignore",
    overrideAction: ({ valibotAction, jsonSchema: standing }) =>
      valibotAction.type === "metadata" ? withoutOwn(standing) : standing,
    overrideSchema: ({ valibotSchema, jsonSchema: standing }) =>
      valibotSchema.type === "object" || valibotSchema.type === "record"
        ? withNotes(standing)
        : standing,
  });
  return {
    ...converted,
    title: "mcpd config",
    allowComments: true,
    allowTrailingCommas: true,
  };
}

function withoutOwn<T extends object>(schema: T): T {
  return Object.fromEntries(Object.entries(schema).filter(([key]) => !OWN_METADATA.has(key))) as T;
}

/** Names of a record become a pattern, so that notes fit beside them. */
function withNotes<T extends object>(schema: T): T {
  const { propertyNames, additionalProperties, ...rest } = schema as JsonObject;
  const pattern = (propertyNames as JsonObject | undefined)?.["pattern"];
  const members =
    propertyNames === undefined
      ? {}
      : { [typeof pattern === "string" ? pattern : "^[^_]"]: additionalProperties };
  return {
    ...rest,
    patternProperties: { ...members, ...NOTES },
    additionalProperties: false,
  } as unknown as T;
}
