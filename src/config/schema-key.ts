import * as v from "valibot";

/**
 * What a change of the key takes: live (applied at once), replace (the upstream gets a new
 * instance), members (replicas come or go), move (the daemon listens elsewhere).
 */
export type Applies = "live" | "replace" | "members" | "move";

/** Title, help and effect of a key: read by `config explain`, the JSON Schema and error texts. */
export type About = {
  readonly title: string;
  readonly description: string;
  readonly applies: Applies;
};

/** One key with a default: used when the key is missing, shown by `config explain`. */
export function key<
  const TSchema extends v.GenericSchema,
  const TDefault extends v.InferInput<TSchema>,
>(
  schema: TSchema,
  fallback: TDefault,
  applies: Applies,
  title: string,
  description: string,
): v.OptionalSchema<v.SchemaWithPipe<readonly [TSchema, AboutAction<TSchema>]>, TDefault> {
  const about: About = { title, description, applies };
  const described = v.pipe(schema, v.metadata<v.InferOutput<TSchema>, About>(about));
  return v.optional(described, fallback);
}

type AboutAction<TSchema extends v.GenericSchema> = v.MetadataAction<v.InferOutput<TSchema>, About>;

type Bounds = [
  v.MinValueAction<number, number, undefined>,
  v.MaxValueAction<number, number, undefined>,
];

/** A time in seconds, fractions allowed, at most a year. */
export function seconds(
  minimum = 0.001,
): v.SchemaWithPipe<readonly [v.NumberSchema<undefined>, ...Bounds]> {
  return v.pipe(v.number(), v.minValue(minimum), v.maxValue<number, number>(31_536_000));
}

export function wholeNumber(
  minimum: number,
  maximum: number,
): v.SchemaWithPipe<
  readonly [v.NumberSchema<undefined>, v.IntegerAction<number, undefined>, ...Bounds]
> {
  return v.pipe(v.number(), v.integer(), v.minValue(minimum), v.maxValue(maximum));
}

export const text = v.pipe(v.string(), v.nonEmpty("It must not be empty"));

/** Which tools are seen, by patterns of their names. */
export const toolFilter = v.object({
  allow: key(
    v.array(text),
    [],
    "live",
    "Allowed tools",
    'Patterns such as "read_*"; an empty list allows all.',
  ),
  deny: key(
    v.array(text),
    [],
    "live",
    "Denied tools",
    "Patterns of tools to hide; they win over allow.",
  ),
});
