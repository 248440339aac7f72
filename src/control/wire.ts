import { LineSplitter } from "../lib/lines.ts";

/** An answer above this is no answer of ours: a tool list of 10,000 rows has about 20 MB. */
const LINE_BYTES_MAX = 268_435_456;
const PIPE_PREFIX = "\\\\.\\pipe\\";

/** What the owner of a wire hears; `closed` comes once and last. */
export type WireEvents = { line(text: string): void; closed(): void };

/** A connection to the daemon: lines out, lines in through WireEvents. */
export interface Wire {
  send(line: string): void;
  close(): void;
}

/**
 * Connects to a Unix socket, or to a named pipe when the address is one. Rejects with the system's
 * error. Bun.connect is what keeps the CLI quick, but it cannot open a named pipe.
 */
export async function openWire(address: string, events: WireEvents): Promise<Wire> {
  return address.startsWith(PIPE_PREFIX)
    ? await openPipe(address, events)
    : await openSocket(address, events);
}

async function openSocket(address: string, events: WireEvents): Promise<Wire> {
  // What the kernel did not take yet, oldest first.
  let unsent: Uint8Array[] = [];
  const incoming = splitter(events, () => socket.end());
  const flush = (): void => {
    for (let part = unsent[0]; part !== undefined; part = unsent[0]) {
      const written = Math.max(0, socket.write(part));
      if (written < part.length) {
        unsent[0] = part.subarray(written);
        return;
      }
      unsent.shift();
    }
  };
  const socket = await Bun.connect({
    unix: address,
    socket: {
      data: (_, chunk) => incoming.push(chunk),
      drain: flush,
      close: () => {
        unsent = [];
        events.closed();
      },
      // The rejected promise says it; without a handler it would be reported a second time.
      connectError: () => undefined,
      error: () => undefined,
    },
  });
  return {
    send(line) {
      unsent.push(Buffer.from(`${line}\n`));
      if (unsent.length === 1) flush();
    },
    close: () => void socket.end(),
  };
}

async function openPipe(address: string, events: WireEvents): Promise<Wire> {
  const { connect } = await import("node:net");
  const socket = connect(address);
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  const incoming = splitter(events, () => socket.destroy());
  socket.on("data", (chunk: Uint8Array) => incoming.push(chunk));
  socket.on("error", () => undefined);
  socket.on("close", () => events.closed());
  return { send: (line) => void socket.write(`${line}\n`), close: () => void socket.end() };
}

function splitter(events: WireEvents, tooLong: () => void): LineSplitter {
  return new LineSplitter(LINE_BYTES_MAX, { line: (text) => events.line(text), tooLong });
}
