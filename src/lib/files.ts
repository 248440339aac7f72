import {
  chmodSync,
  closeSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";

/** What a file is created with unless the caller says otherwise: the owner's alone. */
const PRIVATE_FILE = 0o600;
const PRIVATE_DIRECTORY = 0o700;

/**
 * Replaces a file at once: a reader sees the old content or the new, never half of one, also after
 * a power cut unless `durable` is false (true by default; waiting for the disk takes milliseconds).
 * `mode` is what the file has afterwards (0600 by default; Windows has no modes). `isDue` is asked
 * at the last moment: false leaves the old file as it was, and is what comes back. Throws the
 * system's error (see `reasonOf`) and leaves the old file as it was.
 */
export function writeFileAtomic(
  path: string,
  content: string | Uint8Array,
  options: {
    readonly mode?: number;
    readonly durable?: boolean;
    readonly isDue?: () => boolean;
  } = {},
): boolean {
  const { mode = PRIVATE_FILE, durable = true, isDue = () => true } = options;
  const temporary = join(
    dirname(path),
    `.${basename(path)}.${crypto.randomUUID().slice(0, 8)}.tmp`,
  );
  try {
    if (durable) writeAndSync(temporary, content, mode);
    else writeFileSync(temporary, content, { mode });
    // The umask may have taken rights away from what open() was asked for.
    chmodSync(temporary, mode);
    const due = isDue();
    if (due) renameSync(temporary, path);
    else rmSync(temporary, { force: true });
    return due;
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** The text of a file, or null when there is none. Throws the system's error for anything else. */
export function readIfExists(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT" || errorCode(error) === "ENOTDIR") return null;
    throw error;
  }
}

/**
 * Another text once a file was written, replaced or given other rights; "" while it cannot be
 * looked at. Not so when it gets as many bytes within the same few milliseconds: its time is as
 * coarse as that.
 */
export function fileVersion(path: string): string {
  try {
    const { ctimeMs, ino, mode, size } = statSync(path);
    return `${ino} ${mode} ${size} ${ctimeMs}`;
  } catch {
    return "";
  }
}

/** Creates a directory and its parents for the owner alone (0700); an existing one is left. */
export function ensurePrivateDir(path: string): void {
  mkdirSync(path, { recursive: true, mode: PRIVATE_DIRECTORY });
}

/** The path itself, or the nearest above it that exists. */
export function nearestExisting(path: string): string {
  let at = path;
  while (lstatSync(at, { throwIfNoEntry: false }) === undefined && dirname(at) !== at) {
    at = dirname(at);
  }
  return at;
}

/** The names in a directory; none where there is none, or none that we may see. */
export function visibleNames(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** The file behind links, to be written to in their place. Throws where a link leads nowhere. */
export function linkTarget(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
    if (isLink) throw new Error("it is a link to a file that is not there", { cause: error });
    if (errorCode(error) === "ENOENT" || errorCode(error) === "ENOTDIR") return path;
    throw error;
  }
}

/** The system's name of an error ("ENOENT"), or "" when it has none. */
export function errorCode(error: unknown): string {
  if (!(error instanceof Error) || !("code" in error)) return "";
  return typeof error.code === "string" ? error.code : "";
}

/** Why the system refused, in words for people: "permission denied". */
export function reasonOf(error: unknown): string {
  const words = REASONS.get(errorCode(error));
  if (words !== undefined) return words;
  return error instanceof Error ? error.message : String(error);
}

const REASONS: ReadonlyMap<string, string> = new Map([
  ["EACCES", "permission denied"],
  ["EEXIST", "it exists already"],
  ["EISDIR", "it is a directory"],
  ["ELOOP", "its symbolic links go round in a circle"],
  ["EMFILE", "too many open files"],
  ["ENOENT", "there is no such file"],
  ["ENOSPC", "the disk is full"],
  ["ENOTDIR", "a part of the path is not a directory"],
  ["EPERM", "the system does not permit it"],
  ["EROFS", "the file system is read-only"],
]);

function writeAndSync(path: string, content: string | Uint8Array, mode: number): void {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  const handle = openSync(path, "wx", mode);
  try {
    let written = 0;
    while (written < bytes.length) written += writeSync(handle, bytes, written);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
