/** The headers of a console program for Windows, and nothing behind them. */
export function portableExecutable(): Uint8Array {
  const bytes = new Uint8Array(512);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode("MZ"));
  view.setUint32(0x3c, 0x80, true);
  bytes.set(new TextEncoder().encode("PE"), 0x80);
  view.setUint16(0x80 + 4, 0x8664, true);
  view.setUint16(0x80 + 24, 0x20b, true);
  view.setUint16(0x80 + 24 + 68, 3, true);
  return bytes;
}
