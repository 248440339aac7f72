import { type Fault, fault } from "../core/fault.ts";

/**
 * The body of a request as text, or the fault message.too-large as soon as it is known to pass
 * `bytesMax`: from Content-Length when there is one, else while reading.
 */
export async function readText(request: Request, bytesMax: number): Promise<string | Fault> {
  const declared = request.headers.get("content-length");
  if (declared !== null && Number(declared) > bytesMax) return tooLarge(bytesMax);
  try {
    // The runtime reads no more than what was declared.
    if (declared !== null || request.body === null) return await request.text();
    return await readCounting(request.body, bytesMax);
  } catch {
    return fault("message.parse", "The body was cut off: the client went away while sending it");
  }
}

async function readCounting(
  body: ReadableStream<Uint8Array>,
  bytesMax: number,
): Promise<string | Fault> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) return tooLarge(bytesMax);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function tooLarge(bytesMax: number): Fault {
  const text = `The message is too large: the limit is ${bytesMax} bytes`;
  return fault("message.too-large", text, "", { limitBytes: bytesMax });
}
