import type { CacheStatus } from "../control/api.ts";
import { formatBytes, formatCount } from "../lib/text.ts";
import { type Column, table } from "./table.ts";

/** What is kept, and per upstream how often that spared it a request. */
export function cacheView({ memory, disk, upstreams }: CacheStatus, width: number | null): string {
  const kept = [
    `memory  ${formatCount(memory.entries, "result")}, ${formatBytes(memory.bytes)}`,
    `disk    ${formatCount(disk.entries, "result")}, ${formatBytes(disk.bytes)}`,
  ].join("\n");
  if (upstreams.length === 0) {
    return `${kept}\n\nNothing could be given again yet: name tools under "cache" of an upstream.`;
  }
  const columns: Column[] = [
    { title: "UPSTREAM" },
    { title: "HITS", align: "right" },
    { title: "SHARED", align: "right" },
    { title: "MISSES", align: "right" },
    { title: "SPARED", align: "right" },
  ];
  const rows = upstreams.map(({ name, hits, shared, misses }) => {
    const share = Math.round((100 * (hits + shared)) / (hits + shared + misses));
    return [name, String(hits), String(shared), String(misses), `${share} %`];
  });
  return `${kept}\n\n${table(columns, rows, width)}`;
}
