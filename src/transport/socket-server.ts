import { chmodSync, lstatSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";

import { type Fault, fault } from "../core/fault.ts";
import { systemClock } from "../lib/clock.ts";
import { ensurePrivateDir, errorCode, reasonOf } from "../lib/files.ts";
import { LineConnection, type SocketOptions } from "./socket-connection.ts";

/** A daemon that starts at the same time has its socket bound a moment before it listens on it. */
const PROBES = 5;
const PROBE_EVERY_MS = 20;

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
    return (await obstacle(options.address)) ?? bind(options);
  } catch (error) {
    return fault(
      errorCode(error) === "EADDRINUSE" ? "daemon.running" : "file.failed",
      `Cannot listen on ${options.address}: ${reasonOf(error)}`,
      options.address,
    );
  }
}

/** Makes room for the socket; the fault is what cannot be moved out of the way. */
async function obstacle(address: string): Promise<Fault | undefined> {
  const directory = dirname(address);
  ensurePrivateDir(directory);
  if ((statSync(directory).mode & 0o022) !== 0) {
    const text = `Cannot listen in ${directory}: others may write to it (want chmod 700)`;
    return fault("file.failed", text, directory);
  }
  const there = lstatSync(address, { throwIfNoEntry: false });
  if (there === undefined) return undefined;
  if (!there.isSocket()) {
    return fault("file.failed", `Cannot listen on ${address}: it is not a socket`, address);
  }
  const running = `Cannot listen on ${address}: a daemon listens there already`;
  if (await answers(address)) return fault("daemon.running", running);
  // Of two that find it dead only one can take it aside, and one that is alive is put back.
  const aside = `${address}.${process.pid}`;
  try {
    renameSync(address, aside);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
  if (await answers(aside)) {
    renameSync(aside, address);
    return fault("daemon.running", running);
  }
  rmSync(aside, { force: true });
  return undefined;
}

/** True when a process listens on the socket, or does so in a moment. */
async function answers(address: string): Promise<boolean> {
  for (let probe = 1; ; probe++) {
    if (await connects(address)) return true;
    if (probe === PROBES) return false;
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
  try {
    chmodSync(address, 0o600);
  } catch (error) {
    // Another one that starts looks whether it is alive: in a moment it is put back.
    if (errorCode(error) !== "ENOENT") throw error;
  }
  return {
    close() {
      // Takes the file away as well; by now another daemon may have put one in its place.
      listener.stop(true);
      for (const connection of open) connection.ended();
    },
  };
}
