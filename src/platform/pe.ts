// The one thing that we know of Windows' executables: whether they get a console window.

/** IMAGE_SUBSYSTEM_WINDOWS_GUI and IMAGE_SUBSYSTEM_WINDOWS_CUI. */
const WINDOWS = 2;
const CONSOLE = 3;
/** Where the DOS header says where the PE header is. */
const HEADER_OFFSET_AT = 0x3c;
/** Signature and file header, then the field in the optional one, the same for 32 and 64 bits. */
const SUBSYSTEM_AT = 24 + 68;

export type Subsystem = "console" | "windows" | "other";

/** What kind of program it is; null for what is no executable of Windows. */
export function subsystemOf(program: Uint8Array): Subsystem | null {
  const at = subsystemOffset(program);
  if (at === null) return null;
  const value = viewOf(program).getUint16(at, true);
  return value === CONSOLE ? "console" : value === WINDOWS ? "windows" : "other";
}

/**
 * A copy of the program that is given no console window: Task Scheduler would show one, and nothing
 * could hide it later. Null for what is no executable of Windows.
 */
export function withoutConsole(program: Uint8Array): Uint8Array | null {
  const at = subsystemOffset(program);
  if (at === null) return null;
  const copy = new Uint8Array(program);
  viewOf(copy).setUint16(at, WINDOWS, true);
  return copy;
}

function subsystemOffset(program: Uint8Array): number | null {
  const view = viewOf(program);
  const isDos = program.length > HEADER_OFFSET_AT + 4 && view.getUint16(0) === 0x4d5a;
  if (!isDos) return null;
  const header = view.getUint32(HEADER_OFFSET_AT, true);
  if (header + SUBSYSTEM_AT + 2 > program.length) return null;
  return view.getUint32(header) === 0x50450000 ? header + SUBSYSTEM_AT : null;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
