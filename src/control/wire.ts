const PIPE_PREFIX = "\\\\.\\pipe\\";

/** What the owner of a wire hears; `closed` comes once and last. */
export type WireEvents = {
  /** Bytes as they came: lines are cut by whoever knows how long they may be. */
  data(chunk: Uint8Array): void;
  /** All that waited has been taken. */
  drained(): void;
  closed(): void;
};

/** A connection to the daemon: lines out, bytes in through WireEvents. */
export interface Wire {
  /** Sends one line, given without its end. */
  send(line: string): void;
  /** True while something waits because the daemon does not read: drained() ends it. */
  readonly congested: boolean;
  /** Lets the daemon wait until resume(); a little may still come. */
  pause(): void;
  resume(): void;
  close(): void;
}

/**
 * Connects to a Unix socket, or to a named pipe when the address is one. Rejects with the system's
 * error. Bun.connect is what keeps the CLI quick, but it cannot open a named pipe, and the library
 * runs on Node too.
 */
export async function openWire(address: string, events: WireEvents): Promise<Wire> {
  return address.startsWith(PIPE_PREFIX) || typeof Bun === "undefined"
    ? await openPipe(address, events)
    : await openSocket(address, events);
}

async function openSocket(address: string, events: WireEvents): Promise<Wire> {
  // What the kernel did not take yet, oldest first.
  let unsent: Uint8Array[] = [];
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
      data: (_, chunk) => events.data(chunk),
      drain() {
        if (unsent.length === 0) return;
        flush();
        if (unsent.length === 0) events.drained();
      },
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
    get congested() {
      return unsent.length > 0;
    },
    pause: () => socket.pause(),
    resume: () => socket.resume(),
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
  socket.on("data", (chunk: Uint8Array) => events.data(chunk));
  socket.on("drain", () => events.drained());
  socket.on("error", () => undefined);
  socket.on("close", () => events.closed());
  return {
    send: (line) => void socket.write(`${line}\n`),
    get congested() {
      return socket.writableNeedDrain;
    },
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    close: () => void socket.end(),
  };
}
