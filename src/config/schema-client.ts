import * as v from "valibot";

import { key, toolFilter, wholeNumber } from "./schema-key.ts";

/** One entry of `clients`: what clients of a name are shown on the doors to all upstreams. */
export const ClientSchema = v.object({
  tools: key(toolFilter, {}, "live", "Tool filter", "Which tools these clients see and may call."),
  mode: key(
    v.picklist(["list", "search"]),
    "list",
    "live",
    "How tools are shown",
    "list: all of them. search: search_tools, describe_tool and call_tool instead, which cost a model far less to read.",
  ),
  description_length: key(
    v.nullable(wholeNumber(20, 100_000)),
    null,
    "live",
    "Length of descriptions",
    "Longer descriptions of tools are cut to so many characters, at the end of a sentence; null for never.",
  ),
  result_length: key(
    v.nullable(wholeNumber(1_000, 10_000_000)),
    null,
    "live",
    "Length of results",
    "Of longer results these clients get the beginning, and read_result to read on; null for never.",
  ),
});

export type ClientEntry = v.InferOutput<typeof ClientSchema>;
