/**
 * The bare bridge: the least that carrying standard streams to the private socket can cost, and so
 * the limit that `mcpd bridge` is measured against. It names its server once and passes bytes on.
 * It reconnects to nothing and tells nobody what went wrong: not for use.
 *
 *   bare-bridge SOCKET UPSTREAM
 */
import { attachLine } from "./attach.ts";

async function main(address: string, upstream: string): Promise<void> {
  const attached = Promise.withResolvers<void>();
  const output = Bun.stdout.writer();
  let greeting = true;
  const socket = await Bun.connect({
    unix: address,
    socket: {
      data(_socket, chunk) {
        // The first to come answers the attachment: nothing else was asked yet.
        if (greeting) attached.resolve();
        else {
          void output.write(chunk);
          void output.flush();
        }
        greeting = false;
      },
    },
  });
  socket.write(attachLine(upstream));
  await attached.promise;
  for await (const chunk of Bun.stdin.stream()) socket.write(chunk);
  socket.end();
}

await main(process.argv[2] ?? "", process.argv[3] ?? "");
