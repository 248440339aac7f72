import type { CallResult } from "../control/api.ts";
import { formatBytes } from "../lib/text.ts";

type Block = NonNullable<CallResult["content"]>[number];

/** A part of a result that is not text: what to show in its place, and its bytes. */
export type Binary = { readonly label: string; readonly bytes: Uint8Array };

export type ReadResult = {
  /** For stdout: texts as they are, everything else described in brackets. */
  readonly text: string;
  /** For a file: the texts as they are, without a line end of ours. */
  readonly exact: string;
  readonly binaries: readonly Binary[];
};

/** Reads a tool's result for people. Structured content is shown where nothing else is there. */
export function readResult(result: CallResult): ReadResult {
  const blocks = result.content ?? [];
  const binaries = blocks.map(binaryOf).filter((binary) => binary !== null);
  const texts = blocks.map(textOf);
  if (blocks.length === 0 && result.structuredContent !== undefined) {
    texts.push(JSON.stringify(result.structuredContent, null, 2));
  }
  return {
    exact: texts.join("\n"),
    text: texts.map((text) => (text.endsWith("\n") ? text : `${text}\n`)).join(""),
    binaries,
  };
}

function textOf(block: Block): string {
  const binary = binaryOf(block);
  if (binary !== null) return `[${binary.label}; save it with --output FILE]`;
  const resource = block["resource"] as { readonly text?: unknown } | undefined;
  if (block.type === "text" && typeof block["text"] === "string") return block["text"];
  if (block.type === "resource" && typeof resource?.text === "string") return resource.text;
  if (block.type === "resource_link") return `[resource ${String(block["uri"])}]`;
  return `[${block.type}: ${JSON.stringify(block)}]`;
}

/** Images and audio carry their bytes in `data`, embedded resources in `blob`, both as base64. */
function binaryOf(block: Block): Binary | null {
  const resource = block["resource"] as { readonly [key: string]: unknown } | undefined;
  const base64 = block["data"] ?? resource?.["blob"];
  if (typeof base64 !== "string") return null;
  const bytes = Buffer.from(base64, "base64");
  const named = block["mimeType"] ?? resource?.["mimeType"];
  const type = typeof named === "string" ? named : "application/octet-stream";
  return { label: `${block.type} ${type}, ${formatBytes(bytes.length)}`, bytes };
}
