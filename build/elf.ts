/**
 * Reads what a Linux executable needs of the system it is started on. Layout: the System V ABI,
 * chapters 4 and 5, and the Linux Standard Base, "Symbol Versioning".
 */

const ELF = 0x7f454c46;
const CLASS_64_LITTLE = 0x0201;
const SEGMENT_LOAD = 1;
const SEGMENT_DYNAMIC = 2;
const SEGMENT_INTERPRETER = 3;
const DYNAMIC_NEEDED = 1n;
const DYNAMIC_STRINGS = 5n;
const DYNAMIC_VERSIONS = 0x6ffffffen;
const MACHINES: { readonly [machine: number]: string } = { 62: "x64", 183: "arm64" };

export type ElfNeeds = {
  /** "x64", "arm64", or the number that ELF has for another. */
  readonly arch: string;
  /** The loader it names: "/lib64/ld-linux-x86-64.so.2"; null in a static one. */
  readonly interpreter: string | null;
  /** The shared libraries it names. */
  readonly libraries: readonly string[];
  /** The versions of symbols it names: "GLIBC_2.17". */
  readonly versions: readonly string[];
};

type Segment = {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly bytes: number;
};

/** Null when it is no 64-bit little-endian ELF file. */
export function readElf(file: Uint8Array): ElfNeeds | null {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length < 64 || view.getUint32(0) !== ELF) return null;
  if (view.getUint16(4) !== CLASS_64_LITTLE) return null;
  const segments = readSegments(view);
  const interpreter = segments.find(({ type }) => type === SEGMENT_INTERPRETER);
  const dynamic = readDynamic(view, segments);
  const strings = offsetOf(segments, first(dynamic, DYNAMIC_STRINGS));
  const versions = offsetOf(segments, first(dynamic, DYNAMIC_VERSIONS));
  const text = (offset: number): string => textAt(file, offset);
  const machine = view.getUint16(18, true);
  return {
    arch: MACHINES[machine] ?? String(machine),
    interpreter: interpreter === undefined ? null : text(interpreter.offset),
    libraries: dynamic
      .filter(([tag]) => tag === DYNAMIC_NEEDED)
      .map(([, value]) => text((strings ?? 0) + value)),
    versions:
      versions === null || strings === null
        ? []
        : versionNames(view, versions).map((name) => text(strings + name)),
  };
}

function readSegments(view: DataView): readonly Segment[] {
  const table = Number(view.getBigUint64(32, true));
  const size = view.getUint16(54, true);
  return Array.from({ length: view.getUint16(56, true) }, (_, index) => {
    const offset = table + index * size;
    return {
      type: view.getUint32(offset, true),
      offset: Number(view.getBigUint64(offset + 8, true)),
      address: Number(view.getBigUint64(offset + 16, true)),
      bytes: Number(view.getBigUint64(offset + 32, true)),
    };
  });
}

type Dynamic = readonly (readonly [tag: bigint, value: number])[];

function readDynamic(view: DataView, segments: readonly Segment[]): Dynamic {
  const segment = segments.find(({ type }) => type === SEGMENT_DYNAMIC);
  if (segment === undefined) return [];
  return Array.from({ length: segment.bytes / 16 }, (_, index) => {
    const offset = segment.offset + index * 16;
    return [view.getBigUint64(offset, true), Number(view.getBigUint64(offset + 8, true))];
  });
}

function first(dynamic: Dynamic, tag: bigint): number | null {
  return dynamic.find(([found]) => found === tag)?.[1] ?? null;
}

/** Where in the file stands what is loaded at `address`. */
function offsetOf(segments: readonly Segment[], address: number | null): number | null {
  if (address === null) return null;
  const segment = segments.find(
    (one) =>
      one.type === SEGMENT_LOAD && address >= one.address && address < one.address + one.bytes,
  );
  return segment === undefined ? null : segment.offset + address - segment.address;
}

/** Offsets of the names in the string table; two chained lists, each entry with its own step. */
function versionNames(view: DataView, start: number): readonly number[] {
  const names: number[] = [];
  let need = start;
  for (;;) {
    let entry = need + view.getUint32(need + 8, true);
    for (let left = view.getUint16(need + 2, true); left > 0; left--) {
      names.push(view.getUint32(entry + 8, true));
      entry += view.getUint32(entry + 12, true);
    }
    const step = view.getUint32(need + 12, true);
    if (step === 0) return names;
    need += step;
  }
}

function textAt(file: Uint8Array, offset: number): string {
  const end = file.indexOf(0, offset);
  return new TextDecoder().decode(file.subarray(offset, end === -1 ? undefined : end));
}
