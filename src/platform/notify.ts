import type { Environment } from "./platform.ts";

/** glibc, then musl by architecture. */
const LIBRARIES = [
  "libc.so.6",
  "libc.so",
  "libc.musl-x86_64.so.1",
  "libc.musl-aarch64.so.1",
] as const;
/** From the headers of Linux, the same on every architecture we build for. */
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_NOSIGNAL = 0x4000;

/**
 * Tells systemd how we are (sd_notify(3)): "READY=1", "STATUS=...", "WATCHDOG=1", "STOPPING=1".
 * Null when nobody listens, or the C library cannot be had. The runtime has no datagram sockets of
 * this kind, and its foreign functions are loaded only here: they take memory.
 */
export async function notifier(environment: Environment): Promise<((text: string) => void) | null> {
  const address = environment["NOTIFY_SOCKET"];
  if (address === undefined || !/^[/@]/.test(address)) return null;
  const libc = await openLibc();
  if (libc === null) return null;
  const descriptor = libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return null;
  const target = socketAddress(address);
  return (text) => {
    const bytes = Buffer.from(text);
    // It fails when the manager restarts; the next one is as good.
    libc.sendto(descriptor, bytes, bytes.length, MSG_NOSIGNAL, target, target.length);
  };
}

/** False where the C library cannot be had: there systemd must not wait for a word of ours. */
export async function canNotify(libraries: readonly string[] = LIBRARIES): Promise<boolean> {
  return (await openLibc(libraries)) !== null;
}

/** Milliseconds within which systemd wants to hear of us; null when it does not. */
export function watchdogMs(environment: Environment, pid: number): number | null {
  const microseconds = Number(environment["WATCHDOG_USEC"]);
  if (!(microseconds > 0)) return null;
  const whose = environment["WATCHDOG_PID"];
  return whose === undefined || whose === String(pid) ? microseconds / 1000 : null;
}

/** A sockaddr_un: family, path. A leading "@" is a NUL: a name without a file. */
export function socketAddress(address: string): Uint8Array {
  const path = Buffer.from(address.replace(/^@/, "\0"));
  const end = address.startsWith("@") ? [] : [0];
  return new Uint8Array([...new Uint8Array(new Uint16Array([AF_UNIX]).buffer), ...path, ...end]);
}

type Libc = {
  socket(domain: number, type: number, protocol: number): number;
  sendto(
    descriptor: number,
    bytes: Uint8Array,
    length: number,
    flags: number,
    target: Uint8Array,
    targetLength: number,
  ): number | bigint;
};

async function openLibc(libraries: readonly string[] = LIBRARIES): Promise<Libc | null> {
  const { dlopen } = await import("bun:ffi");
  for (const name of libraries) {
    try {
      return dlopen(name, {
        socket: { args: ["i32", "i32", "i32"], returns: "i32" },
        sendto: { args: ["i32", "ptr", "u64", "i32", "ptr", "u32"], returns: "i64" },
      }).symbols;
    } catch {
      // Another C library, or another name of it.
    }
  }
  return null;
}
