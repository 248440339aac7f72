import { readFileSync } from "node:fs";

import { type Fault, fault } from "../core/fault.ts";
import { reasonOf } from "../lib/files.ts";

/** An executable has about 100 MB; what unpacks to far more is not ours. */
const PROGRAM_BYTES_MAX = 512 * 1024 * 1024;
const GZIP_MAGIC = [0x1f, 0x8b];

/** The executable in a release's .tar.gz, which holds its licences as well, or the file itself. */
export async function programIn(path: string, name: string): Promise<Uint8Array | Fault> {
  const bytes = readFileSync(path);
  if (!GZIP_MAGIC.every((byte, index) => bytes[index] === byte)) return bytes;
  const broken = (why: string): Fault =>
    fault("install.broken", `Cannot unpack ${path}: ${why}`, path);
  try {
    const files = await new Bun.Archive(bytes).files();
    const found = files.get(name) ?? files.get(`./${name}`);
    if (found === undefined) return broken(`it is no release: ${name} is missing`);
    if (found.size > PROGRAM_BYTES_MAX) return broken("what is in it is too large");
    return new Uint8Array(await found.arrayBuffer());
  } catch (error) {
    return broken(reasonOf(error));
  }
}
