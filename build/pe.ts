/** Reads the header of a Windows executable. Layout: Microsoft's "PE Format". */

const MZ = 0x5a4d;
const PE = 0x4550;
const MACHINES: { readonly [machine: number]: string } = { 0x8664: "x64", 0xaa64: "arm64" };
const SUBSYSTEMS: { readonly [subsystem: number]: string } = { 2: "window", 3: "console" };

export type PeHeader = {
  /** "x64", "arm64", or the number that PE has for another. */
  readonly arch: string;
  /** "console" has a terminal, "window" opens none; a number for another. */
  readonly subsystem: string;
};

/** Null when it is no PE file. */
export function readPe(file: Uint8Array): PeHeader | null {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length < 64 || view.getUint16(0, true) !== MZ) return null;
  const header = view.getUint32(60, true);
  if (header + 94 > file.length || view.getUint32(header, true) !== PE) return null;
  const machine = view.getUint16(header + 4, true);
  const subsystem = view.getUint16(header + 24 + 68, true);
  return {
    arch: MACHINES[machine] ?? String(machine),
    subsystem: SUBSYSTEMS[subsystem] ?? String(subsystem),
  };
}
