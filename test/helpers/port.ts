/** Holds a free port of 127.0.0.1 until it is disposed: for what happens when it is in use. */
export function occupyPort(): Disposable & { readonly port: number } {
  const listener = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: { data: () => undefined },
  });
  return { port: listener.port, [Symbol.dispose]: () => listener.stop(true) };
}

/** A port that was free a moment ago: for a config, where 0 is no port. */
export function freePort(): number {
  using occupied = occupyPort();
  return occupied.port;
}
