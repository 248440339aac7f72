/** Another port of this machine that leads to a port: what `ssh -L` is to both of its ends. */
import { connect, createServer } from "node:net";

export interface Tunnel extends Disposable {
  readonly port: number;
  /** Breaks every connection, as a network does; new ones work. */
  cut(): void;
  /** Breaks every connection, and new ones as well, until it is opened again. */
  shut(): void;
  open(): void;
}

export async function openTunnel(port: number): Promise<Tunnel> {
  const open = new Set<{ destroy(): void }>();
  let passable = true;
  const server = createServer((near) => {
    if (!passable) return void near.destroy();
    const far = connect(port, "127.0.0.1");
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(from);
      from.pipe(to);
      from.on("error", () => to.destroy());
      from.on("close", () => to.destroy());
    }
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the tunnel has no port");
  const cut = (): void => {
    for (const socket of open) socket.destroy();
    open.clear();
  };
  return {
    port: address.port,
    cut,
    shut() {
      passable = false;
      cut();
    },
    open() {
      passable = true;
    },
    [Symbol.dispose]() {
      server.close();
      cut();
    },
  };
}
