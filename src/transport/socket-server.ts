import { type BigIntStats, chmodSync, lstatSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";

import { type Fault, fault } from "../core/fault.ts";
import { systemClock } from "../lib/clock.ts";
import { ensurePrivateDir, errorCode, reasonOf } from "../lib/files.ts";
import { LineConnection, type SocketOptions } from "./socket-connection.ts";

/** A daemon that starts at the same time has its socket bound a moment before it listens on it. */
const YOUNG_MS = 1_000;
const PROBE_EVERY_MS = 20;
/** Whoever clears a dead socket away needs a few milliseconds. */
const PATIENCE_MS = 5_000;

/** A bound private socket. */
export interface SocketListener {
  /** Stops listening and drops every connection. */
  close(): void;
}

/**
 * Serves newline-delimited JSON on a Unix socket (0600, in a directory nobody else may write to)
 * or, on Windows, on a named pipe. A socket file nobody listens on is replaced; a live one is the
 * fault daemon.running.
 */
export async function listenSocket(options: SocketOptions): Promise<SocketListener | Fault> {
  if (options.address.startsWith("\\\\")) {
    const { listenPipe } = await import("./pipe-server.ts");
    return listenPipe(options);
  }
  try {
    return unsafe(dirname(options.address)) ?? (await claim(options));
  } catch (error) {
    return fault(
      errorCode(error) === "EADDRINUSE" ? "daemon.running" : "file.failed",
      `Cannot listen on ${options.address}: ${reasonOf(error)}`,
      options.address,
    );
  }
}

function unsafe(directory: string): Fault | null {
  ensurePrivateDir(directory);
  if ((statSync(directory).mode & 0o022) === 0) return null;
  const text = `Cannot listen in ${directory}: others may write to it (want chmod 700)`;
  return fault("file.failed", text, directory);
}

async function claim(options: SocketOptions): Promise<SocketListener | Fault> {
  const { address } = options;
  const deadlineMs = systemClock.monotonic() + PATIENCE_MS;
  while (systemClock.monotonic() < deadlineMs) {
    const there = look(address);
    if (there === undefined) return bind(options);
    if (!there.isSocket()) {
      return fault("file.failed", `Cannot listen on ${address}: it is not a socket`, address);
    }
    if (await answers(address, there)) break;
    const listener = await replace(options, there);
    if (listener !== null) return listener;
    await systemClock.sleep(PROBE_EVERY_MS);
  }
  return fault("daemon.running", `Cannot listen on ${address}: a daemon listens there already`);
}

/**
 * Takes the place of a socket that was found dead; null when somebody else is at it, or was. One at
 * a time: the slower one of two would else clear away the new socket of the quicker one.
 */
async function replace(options: SocketOptions, dead: BigIntStats): Promise<SocketListener | null> {
  const { address } = options;
  // Loaded only here: the usual start has nothing to clear away.
  const { ProcessLock } = await import("../lib/process-lock.ts");
  using lock = ProcessLock.take(`${address}.lock`);
  if (lock === null) return null;
  const there = look(address);
  if (there?.ino !== dead.ino || there.mtimeNs !== dead.mtimeNs) return null;
  rmSync(address, { force: true });
  return bind(options);
}

function look(address: string): BigIntStats | undefined {
  return lstatSync(address, { throwIfNoEntry: false, bigint: true });
}

/** True when a process listens on the socket, or does so in a moment. */
async function answers(address: string, { mtimeMs }: BigIntStats): Promise<boolean> {
  // A file from the future is one of a clock that was set back.
  const ageMs = Math.max(0, systemClock.now() - Number(mtimeMs));
  const untilMs = systemClock.monotonic() + Math.max(0, YOUNG_MS - ageMs);
  for (;;) {
    if (await connects(address)) return true;
    if (systemClock.monotonic() >= untilMs) return false;
    await systemClock.sleep(PROBE_EVERY_MS);
  }
}

async function connects(address: string): Promise<boolean> {
  try {
    const probe = await Bun.connect({ unix: address, socket: { data: () => {} } });
    probe.terminate();
    return true;
  } catch {
    return false;
  }
}

function bind(options: SocketOptions): SocketListener {
  const { address } = options;
  const open = new Set<LineConnection>();
  // Between bind and chmod the file must not be anybody's: it is born without rights for others.
  const umask = process.umask(0o177);
  let listener: Bun.UnixSocketListener<LineConnection>;
  try {
    listener = Bun.listen<LineConnection>({
      unix: address,
      socket: {
        open(socket) {
          socket.data = new LineConnection(
            {
              write: (bytes) => socket.write(bytes),
              end: () => void socket.end(),
              drop: () => socket.terminate(),
            },
            options,
          );
          open.add(socket.data);
        },
        data: (socket, chunk) => socket.data.received(chunk),
        drain: (socket) => socket.data.drained(),
        close(socket) {
          open.delete(socket.data);
          socket.data.ended();
        },
        error(_socket, error) {
          // What our own handlers throw comes here as well, without the code of a system's error.
          if (errorCode(error) === "") return reportError(error);
          options.log.error("A socket failed", { error: error.message });
        },
      },
    });
  } finally {
    process.umask(umask);
  }
  chmodSync(address, 0o600);
  return {
    close() {
      // Takes the file away as well; by now another daemon may have put one in its place.
      listener.stop(true);
      for (const connection of open) connection.ended();
    },
  };
}
