/**
 * Checks the code signature of a macOS executable on any system: macOS kills a program whose pages
 * do not have the hashes its signature lists. Layout: Apple's mach-o/loader.h and cs_blobs.h.
 */

const MACHO_64 = 0xfeedfacf;
const LOAD_CODE_SIGNATURE = 0x1d;
const SUPER_BLOB = 0xfade0cc0;
const CODE_DIRECTORY = 0xfade0c02;
const HASH_SHA256 = 2;
const FLAG_AD_HOC = 0x2;

export type Signature =
  | { readonly kind: "missing"; readonly text: string }
  | {
      readonly kind: "signed";
      readonly adHoc: boolean;
      readonly pages: number;
      readonly wrongPages: number;
    };

/** True when macOS would run it: signed, and every page has its hash. */
export function isSound(signature: Signature): boolean {
  return signature.kind === "signed" && signature.pages > 0 && signature.wrongPages === 0;
}

/** One line for people. */
export function describeSignature(signature: Signature): string {
  if (signature.kind === "missing") return `needs re-signing: ${signature.text}`;
  const { adHoc, pages, wrongPages } = signature;
  if (wrongPages > 0) return `needs re-signing: ${wrongPages} of ${pages} page hashes are wrong`;
  return `signature sound (${adHoc ? "ad hoc" : "Developer ID"}, ${pages} pages)`;
}

/** Reads the signature of a 64-bit Mach-O file and hashes every page it covers. */
export function readSignature(file: Uint8Array): Signature {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length < 32 || view.getUint32(0, true) !== MACHO_64) return missing("not a Mach-O file");
  const blob = superBlobOffset(view);
  if (blob === null) return missing("no code signature");
  if (view.getUint32(blob) !== SUPER_BLOB) return missing("the signature is not readable");
  const count = view.getUint32(blob + 8);
  for (let index = 0; index < count; index++) {
    const offset = blob + view.getUint32(blob + 12 + 8 * index + 4);
    if (view.getUint32(offset) === CODE_DIRECTORY) return checkPages(file, view, offset);
  }
  return missing("the signature has no code directory");
}

function missing(text: string): Signature {
  return { kind: "missing", text };
}

function superBlobOffset(view: DataView): number | null {
  const commands = view.getUint32(16, true);
  let offset = 32;
  for (let index = 0; index < commands; index++) {
    if (view.getUint32(offset, true) === LOAD_CODE_SIGNATURE) {
      return view.getUint32(offset + 8, true);
    }
    offset += view.getUint32(offset + 4, true);
  }
  return null;
}

function checkPages(file: Uint8Array, view: DataView, directory: number): Signature {
  const flags = view.getUint32(directory + 12);
  const hashes = directory + view.getUint32(directory + 16);
  const pages = view.getUint32(directory + 28);
  const codeLimit = view.getUint32(directory + 32);
  const hashSize = view.getUint8(directory + 36);
  const hashType = view.getUint8(directory + 37);
  const pageSize = 2 ** view.getUint8(directory + 39);
  if (hashType !== HASH_SHA256) return missing(`the signature uses hash type ${hashType}`);
  let wrongPages = 0;
  for (let page = 0; page < pages; page++) {
    const code = file.subarray(page * pageSize, Math.min((page + 1) * pageSize, codeLimit));
    const listed = file.subarray(hashes + page * hashSize, hashes + (page + 1) * hashSize);
    const found = new Bun.CryptoHasher("sha256").update(code).digest().subarray(0, hashSize);
    if (!found.equals(listed)) wrongPages++;
  }
  return { kind: "signed", adHoc: (flags & FLAG_AD_HOC) !== 0, pages, wrongPages };
}
