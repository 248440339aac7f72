// A release: archives named mcpd-<target>.tar.gz, SHA256SUMS of them, and SHA256SUMS.minisig, whose
// trusted comment "mcpd <version>" says which version it is (build/release.ts makes it).

import { readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

import { type Fault, fault, isFault } from "../core/fault.ts";
import { isLoopback } from "../lib/address.ts";
import type { Clock, Timer } from "../lib/clock.ts";
import { readIfExists, reasonOf } from "../lib/files.ts";
import { sha256 } from "../lib/hash.ts";
import { formatDuration } from "../lib/text.ts";
import { parsePublicKey, type PublicKey, verifySignature } from "./minisign.ts";
import { isVersion } from "./versions.ts";

export const DOWNLOAD_URL = "https://github.com/mcpd-dev/mcpd/releases";
const SUMS = "SHA256SUMS";
const SIGNATURE_SUFFIX = ".minisig";
const SMALL_BYTES_MAX = 64 * 1024;

/** What the signed list of a release says. */
export type Release = {
  readonly version: string;
  /** SHA-256 of each file, in hex. */
  readonly sums: ReadonlyMap<string, string>;
};

/** Gets one file of a release: all of its bytes, or why not. */
export type Fetch = (url: string, bytesMax: number) => Promise<Uint8Array | Fault>;

/** The address of a file of a release; null for the latest. Faults on one that is not safe. */
export function releaseUrl(base: string, version: string | null, file: string): string | Fault {
  const folder = version === null ? "latest/download" : `download/v${version}`;
  const url = URL.parse(`${base.replace(/\/+$/, "")}/${folder}/${file}`);
  const safe =
    url?.protocol === "https:" || (url?.protocol === "http:" && isLoopback(url.hostname));
  if (url !== null && safe) return url.href;
  const text = `Cannot download from ${base}: the address must begin with https://`;
  return fault("usage.invalid", text, "upgrade");
}

/** Downloads the list of a release and checks who made it. */
export async function fetchRelease(
  get: Fetch,
  base: string,
  wanted: string | null,
  keys: readonly string[],
): Promise<Release | Fault> {
  const trusted = trustedKeys(keys);
  if (isFault(trusted)) return trusted;
  const texts: Uint8Array[] = [];
  for (const file of [SUMS, `${SUMS}${SIGNATURE_SUFFIX}`]) {
    const url = releaseUrl(base, wanted, file);
    const got = isFault(url) ? url : await get(url, SMALL_BYTES_MAX);
    if (isFault(got)) return got;
    texts.push(got);
  }
  const [sums = new Uint8Array(), signature = new Uint8Array()] = texts;
  const release = readRelease(sums, new TextDecoder().decode(signature), trusted);
  if (isFault(release) || wanted === null || release.version === wanted) return release;
  // An older list under a newer name would be a way to bring back what has been mended.
  return untrusted(`asked for ${wanted}, got the signed list of ${release.version}`, SUMS);
}

/** Checks a file on disk: by FILE.minisig, or by SHA256SUMS and its signature beside it. */
export function checkFile(
  path: string,
  keys: readonly string[],
): { readonly version: string } | Fault {
  const trusted = trustedKeys(keys);
  if (isFault(trusted)) return trusted;
  const own = readIfExists(`${path}${SIGNATURE_SUFFIX}`);
  if (own !== null) return signedVersion(readFileSync(path), own, trusted, path);
  const list = join(dirname(path), SUMS);
  const sums = readIfExists(list);
  const signature = readIfExists(`${list}${SIGNATURE_SUFFIX}`);
  if (sums === null || signature === null) {
    const text = `Cannot tell who made ${path}: neither ${basename(path)}${SIGNATURE_SUFFIX} nor ${SUMS} with its signature is beside it`;
    return fault("release.unsigned", text, path);
  }
  const release = readRelease(Buffer.from(sums), signature, trusted);
  if (isFault(release)) return release;
  return checkSum(release, basename(path), readFileSync(path)) ?? release;
}

/** Null when the bytes are those that were released under this name. */
export function checkSum(release: Release, file: string, bytes: Uint8Array): Fault | null {
  const sum = release.sums.get(file);
  if (sum === undefined) {
    return untrusted(`release ${release.version} has no file of this name`, file);
  }
  return sum === sha256(bytes) ? null : untrusted("its SHA-256 is another one", file);
}

/** The lines "<sha256>  <file>" of a list, once its signature has been checked. */
function readRelease(
  sums: Uint8Array,
  signature: string,
  keys: readonly PublicKey[],
): Release | Fault {
  const signed = signedVersion(sums, signature, keys, SUMS);
  if (isFault(signed)) return signed;
  const rows = new TextDecoder()
    .decode(sums)
    .split("\n")
    .map((line) => /^([0-9a-f]{64}) [ *](\S+)$/.exec(line.trimEnd()))
    .filter((row) => row !== null);
  return { ...signed, sums: new Map(rows.map(([, sum = "", file = ""]) => [file, sum])) };
}

function signedVersion(
  data: Uint8Array,
  signature: string,
  keys: readonly PublicKey[],
  file: string,
): { readonly version: string } | Fault {
  const verdict = verifySignature(data, signature, keys);
  if (verdict.kind === "bad") return untrusted(`its signature ${verdict.why}`, file);
  const version = verdict.trustedComment.replace(/^mcpd /, "");
  if (verdict.trustedComment.startsWith("mcpd ") && isVersion(version)) return { version };
  return untrusted("its signature names no version of mcpd", file);
}

function trustedKeys(keys: readonly string[]): readonly PublicKey[] | Fault {
  const trusted = keys.map(parsePublicKey).filter((key) => key !== null);
  if (trusted.length > 0) return trusted;
  const text = "Cannot check a signature: this mcpd was built without the key of the releases";
  return fault("release.unsigned", text);
}

function untrusted(why: string, file: string): Fault {
  return fault("release.untrusted", `Cannot trust ${file}: ${why}`, file);
}

/** A network that has gone away does not say so. */
const SILENCE_MS = 30_000;

/** Gets a file by HTTP, with limits of its size and of silence, and words on how far it is. */
export function httpFetch(
  heard: (bytes: number, total: number | null) => void,
  signal: AbortSignal,
  clock: Clock,
  silenceMs = SILENCE_MS,
): Fetch {
  return async (url, bytesMax) => {
    const gone = (why: string): Fault =>
      fault("release.unreachable", `Cannot download ${url}: ${why}`, url);
    const silence = new AbortController();
    const wait = (): Timer => clock.after(silenceMs, () => silence.abort());
    let timer = wait();
    try {
      const limits = AbortSignal.any([signal, silence.signal]);
      const answer = await fetch(url, { signal: limits, headers: { accept: "*/*" } });
      if (!answer.ok || answer.body === null) return gone(`the server says ${answer.status}`);
      const total = Number(answer.headers.get("content-length")) || null;
      const chunks: Uint8Array[] = [];
      let bytes = 0;
      for await (const chunk of answer.body) {
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes > bytesMax) return gone("it is larger than a release can be");
        heard(bytes, total);
        timer.cancel();
        timer = wait();
      }
      if (total !== null && bytes < total && answer.headers.get("content-encoding") === null) {
        return gone("it broke off");
      }
      return Buffer.concat(chunks);
    } catch (error) {
      const limit = formatDuration(silenceMs);
      return gone(silence.signal.aborted ? `no answer for ${limit}` : reasonOf(error));
    } finally {
      timer.cancel();
    }
  };
}
