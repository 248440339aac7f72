/** A .tar.gz of a few files: the same bytes for the same files, whoever makes it and when. */
import { gzipSync } from "node:zlib";

const BLOCK = 512;
export const PROGRAM_MODE = 0o755;
export const TEXT_MODE = 0o644;

export type ArchiveFile = {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly mode: number;
};

/** The files in the ustar form, nobody's, of no time; a lower `level` is for tests. */
export function archiveOf(files: readonly ArchiveFile[], level = 9): Uint8Array {
  const parts = files.flatMap((file) => {
    const padding = Buffer.alloc((BLOCK - (file.bytes.length % BLOCK)) % BLOCK);
    return [header(file), file.bytes, padding];
  });
  return gzipSync(Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]), { level });
}

function header({ name, bytes, mode }: ArchiveFile): Buffer {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, width: number): string =>
    `${value.toString(8).padStart(width - 1, "0")}\0`;
  block.write(name, 0);
  block.write(octal(mode, 8), 100);
  block.write(octal(0, 8), 108);
  block.write(octal(0, 8), 116);
  block.write(octal(bytes.length, 12), 124);
  block.write(octal(0, 12), 136);
  // The checksum is taken with spaces in its own place.
  block.write(" ".repeat(8), 148);
  block.write("0", 156);
  block.write("ustar\x0000", 257, "latin1");
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}
