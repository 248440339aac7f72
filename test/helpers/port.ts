/** A port of 127.0.0.1 that was free a moment ago. Prefer port 0 where the program can tell its own. */
export function freePort(): number {
  const listener = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: { data: () => undefined },
  });
  const { port } = listener;
  listener.stop(true);
  return port;
}

/** Holds a port of 127.0.0.1 until it is disposed: for what happens when it is in use. */
export function occupyPort(port = 0): Disposable & { readonly port: number } {
  const listener = Bun.listen({ hostname: "127.0.0.1", port, socket: { data: () => undefined } });
  return { port: listener.port, [Symbol.dispose]: () => listener.stop(true) };
}
