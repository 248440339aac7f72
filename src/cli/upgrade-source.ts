import { statSync } from "node:fs";
import { resolve } from "node:path";

import { type Fault, fault, isFault } from "../core/fault.ts";
import type { Machine } from "../install/machine.ts";
import {
  checkFile,
  DOWNLOAD_URL,
  type Fetch,
  fetchRelease,
  httpFetch,
} from "../install/release.ts";
import { readInstalled } from "../install/state.ts";
import { keptSource, type Source, unsignedVersion } from "../install/upgrade.ts";
import { isVersion } from "../install/versions.ts";
import { systemClock } from "../lib/clock.ts";
import { formatBytes } from "../lib/text.ts";
import { RELEASE_KEYS, TARGET } from "../version.ts";
import { usage } from "./parse.ts";

const DOWNLOAD_MS = 30 * 60_000;

/** What the flags of `mcpd upgrade` ask for. */
export type Wish =
  | { readonly kind: "network"; readonly version: string | null }
  | { readonly kind: "file"; readonly path: string; readonly unsignedOk: boolean }
  | { readonly kind: "rollback" };

type Flags = {
  readonly version: string | undefined;
  readonly from: string | undefined;
  readonly rollback: boolean;
  readonly "unsigned-ok": boolean;
  readonly check: boolean;
};

/** Throws a usage fault for flags that do not go together. */
export function wishOf(flags: Flags): Wish {
  const { version, from, rollback, check } = flags;
  const ways = [
    version === undefined ? "" : "--version",
    from === undefined ? "" : "--from",
    rollback ? "--rollback" : "",
  ].filter((way) => way !== "");
  if (ways.length > 1) throw usage(`${ways.join(" and ")} exclude each other`, "upgrade");
  if (flags["unsigned-ok"] && from === undefined) {
    throw usage("--unsigned-ok is about a file: name it with --from", "upgrade");
  }
  if (rollback && check) throw usage("--rollback and --check exclude each other", "upgrade");
  if (rollback) return { kind: "rollback" };
  if (from !== undefined) {
    return { kind: "file", path: resolve(from), unsignedOk: flags["unsigned-ok"] };
  }
  const plain = version?.replace(/^v/, "");
  if (plain !== undefined && !isVersion(plain)) {
    throw usage(`--version must be like 0.2.0, received "${version}"`, "upgrade");
  }
  return { kind: "network", version: plain ?? null };
}

/** Finds out which version that is; of a release, from its signed list alone. */
export async function findSource(
  machine: Machine,
  wish: Wish,
  say: (text: string) => void,
): Promise<Source | Fault> {
  if (wish.kind === "rollback") return keptSource(readInstalled(machine.layout));
  if (wish.kind === "file") return await fileSource(machine, wish);
  if (TARGET === "") return fault("install.source");
  const base = machine.environment["MCPD_DOWNLOAD_URL"]?.trim() || DOWNLOAD_URL;
  const get = downloader(say);
  const release = await fetchRelease(get, base, wish.version, RELEASE_KEYS);
  if (isFault(release)) return release;
  const file = `mcpd-${TARGET}.tar.gz`;
  return { kind: "network", version: release.version, release, base, file, get };
}

async function fileSource(
  machine: Machine,
  { path, unsignedOk }: Wish & { kind: "file" },
): Promise<Source | Fault> {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isFile() !== true) {
    const why = found === undefined ? "there is no such file" : "it is no file";
    return fault("file.failed", `Cannot read ${path}: ${why}`, path);
  }
  const checked = checkFile(path, RELEASE_KEYS);
  if (!isFault(checked)) return { kind: "file", version: checked.version, path };
  // A signature that is wrong is no missing one: then the file is not what it says it is.
  if (!unsignedOk || checked.code !== "release.unsigned") return checked;
  const version = await unsignedVersion(machine, path);
  return isFault(version) ? version : { kind: "file", version, path };
}

function downloader(say: (text: string) => void): Fetch {
  const heard = (bytes: number, total: number | null): void => {
    const of = total === null ? "" : ` of ${formatBytes(total)}`;
    say(`Downloading: ${formatBytes(bytes)}${of}`);
  };
  return httpFetch(heard, AbortSignal.timeout(DOWNLOAD_MS), systemClock);
}
