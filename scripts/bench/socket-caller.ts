/** One client of the bench on the daemon's private socket, as a bridge is one. */
import { ByteLineSplitter } from "../../src/lib/lines.ts";
import { attachLine } from "./attach.ts";
import { type Caller, INITIALIZE, INITIALIZED, isAnswer } from "./caller.ts";

const LINE_BYTES_MAX = 16_777_216;

/** Throws when there is no such socket. */
export async function connectSocketCaller(address: string, upstream: string): Promise<Caller> {
  let settle = (_line: Buffer): void => undefined;
  const lines = new ByteLineSplitter(LINE_BYTES_MAX, {
    line(bytes) {
      const line = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      if (isAnswer(line)) settle(line);
    },
    tooLong: () => undefined,
  });
  const socket = await Bun.connect({
    unix: address,
    socket: { data: (_socket, chunk) => lines.push(chunk) },
  });
  const call = async (line: string): Promise<Buffer> => {
    const answer = new Promise<Buffer>((resolve) => (settle = resolve));
    socket.write(line.endsWith("\n") ? line : `${line}\n`);
    return await answer;
  };
  await call(attachLine(upstream));
  await call(INITIALIZE);
  socket.write(`${INITIALIZED}\n`);
  return { pids: [], call, close: () => void socket.end() };
}
