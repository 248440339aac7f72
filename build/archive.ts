/** A .tar.gz of one program: the same bytes for the same program, whoever makes it and when. */
import { gzipSync } from "node:zlib";

const BLOCK = 512;

/** `name` in the ustar form, mode 755, nobody's, of no time; a lower `level` is for tests. */
export function archiveOf(name: string, program: Uint8Array, level = 9): Uint8Array {
  const padding = Buffer.alloc((BLOCK - (program.length % BLOCK)) % BLOCK);
  const end = Buffer.alloc(2 * BLOCK);
  return gzipSync(Buffer.concat([header(name, program.length), program, padding, end]), {
    level,
  });
}

function header(name: string, bytes: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, width: number): string =>
    `${value.toString(8).padStart(width - 1, "0")}\0`;
  block.write(name, 0);
  block.write(octal(0o755, 8), 100);
  block.write(octal(0, 8), 108);
  block.write(octal(0, 8), 116);
  block.write(octal(bytes, 12), 124);
  block.write(octal(0, 12), 136);
  // The checksum is taken with spaces in its own place.
  block.write(" ".repeat(8), 148);
  block.write("0", 156);
  block.write("ustar\x0000", 257, "latin1");
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}
