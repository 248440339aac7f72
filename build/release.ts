/**
 * `bun run release` packs what `bun run build --all` has made: dist/release/mcpd-<target>.tar.gz of
 * every target in dist/SHA256SUMS with the licences of what is in it, SHA256SUMS of these, and its
 * signature when the environment variable MCPD_RELEASE_SECRET_FILE names a secret key of minisign.
 */
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

import { writeFileAtomic } from "../src/lib/files.ts";
import { sha256 } from "../src/lib/hash.ts";
import { type ArchiveFile, archiveOf, PROGRAM_MODE, TEXT_MODE } from "./archive.ts";
import { ROOT, stamp } from "./compile.ts";
import { installScripts } from "./install-script.ts";
import { notices, NOTICES_FILE } from "./notices.ts";
import { parseSecret, publicText, type SecretKey, signatureText } from "./signing.ts";
import { TARGETS } from "./targets.ts";

export type Program = {
  readonly target: string;
  readonly file: string;
  readonly bytes: Uint8Array;
};

type Contents = {
  readonly version: string;
  readonly programs: readonly Program[];
  /** What goes with the program in each archive. */
  readonly documents?: readonly ArchiveFile[];
  /** Unsigned without one. */
  readonly secret?: SecretKey | null;
  /** Of the compression; a lower one is for tests. */
  readonly level?: number;
};

/** Writes the files of a release into `folder`; the lines of its SHA256SUMS. */
export function writeRelease(
  folder: string,
  { version, programs, documents = [], secret = null, level }: Contents,
): readonly string[] {
  mkdirSync(folder, { recursive: true });
  const write = (name: string, content: string | Uint8Array): void => {
    writeFileAtomic(join(folder, name), content, { mode: 0o644 });
  };
  const lines = programs.map(({ target, file, bytes }) => {
    const name = `mcpd-${target}.tar.gz`;
    const archive = archiveOf([{ name: file, bytes, mode: PROGRAM_MODE }, ...documents], level);
    write(name, archive);
    return `${sha256(archive)}  ${name}\n`;
  });
  const archives = lines.map((line) => line.trimEnd().split("  "));
  const hashes = archives.map(([sum = "", name = ""]) => [name.slice(5, -7), sum]);
  const scripts = installScripts(version, Object.fromEntries(hashes));
  write("install.sh", scripts.sh);
  write("install.ps1", scripts.ps1);
  const sums = lines.join("");
  write("SHA256SUMS", sums);
  if (secret !== null) {
    write("SHA256SUMS.minisig", signatureText(Buffer.from(sums), `mcpd ${version}`, secret));
  }
  return lines;
}

/** Only what the build found good may be shipped: its list has no others. */
function programsIn(dist: string): readonly Program[] {
  const good = readFileSync(join(dist, "SHA256SUMS"), "utf8").split("\n").filter(Boolean);
  return good.map((line) => {
    const [sum = "", path = ""] = line.split("  ");
    const bytes = readFileSync(join(dist, path));
    if (sha256(bytes) !== sum)
      throw new Error(`Cannot release ${path}: it changed after its build`);
    const found = TARGETS.find(({ name, file }) => `${name}/${file}` === path);
    if (found === undefined) throw new Error(`Cannot release ${path}: there is no such target`);
    return { target: found.name, file: found.file, bytes };
  });
}

/** The licences ask to go with every copy. */
async function licences(): Promise<readonly ArchiveFile[]> {
  const own = readFileSync(join(ROOT, "LICENSE"));
  const others = new TextEncoder().encode(await notices());
  return [
    { name: "LICENSE", bytes: own, mode: TEXT_MODE },
    { name: NOTICES_FILE, bytes: others, mode: TEXT_MODE },
  ];
}

function secretOf(file: string | undefined): SecretKey | null {
  if (file === undefined || file === "") return null;
  const secret = parseSecret(readFileSync(file, "utf8"));
  if (stamp().releaseKeys.includes(publicText(secret))) return secret;
  throw new Error(`Cannot sign with ${file}: its public half is not in build/release-keys.txt`);
}

if (import.meta.main) {
  const dist = join(ROOT, "dist");
  const folder = join(dist, "release");
  const secret = secretOf(process.env["MCPD_RELEASE_SECRET_FILE"]);
  rmSync(folder, { recursive: true, force: true });
  const { version } = stamp();
  const documents = await licences();
  const lines = writeRelease(folder, { version, programs: programsIn(dist), documents, secret });
  console.log(lines.join("").trimEnd());
  const signed = secret === null ? "NOT signed: MCPD_RELEASE_SECRET_FILE is not set" : "signed";
  console.log(`dist/release: mcpd ${version}, ${lines.length} archives, ${signed}`);
}
