// Signatures in the form of minisign (https://jedisct1.github.io/minisign/): Ed25519 over the file
// or its BLAKE2b hash, and a second one over the first and the trusted comment.

import { createHash, createPublicKey, verify } from "node:crypto";

/** "Ed": the file itself is signed. "ED": its hash is. */
const PLAIN = "Ed";
const HASHED = "ED";
const KEY_ID_BYTES = 8;
const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;

export type PublicKey = { readonly id: Buffer; readonly key: Buffer };

export type Verdict =
  | { readonly kind: "good"; readonly trustedComment: string }
  /** `why` completes "The signature ...". */
  | { readonly kind: "bad"; readonly why: string };

/** Reads the second line of a .pub file; null when it is none. */
export function parsePublicKey(text: string): PublicKey | null {
  const bytes = base64(text.trim(), 2 + KEY_ID_BYTES + KEY_BYTES);
  if (bytes === null || bytes.toString("latin1", 0, 2) !== PLAIN) return null;
  return { id: bytes.subarray(2, 2 + KEY_ID_BYTES), key: bytes.subarray(2 + KEY_ID_BYTES) };
}

/** Checks the text of a .minisig file against the bytes it signs and the keys that are trusted. */
export function verifySignature(
  data: Uint8Array,
  signatureFile: string,
  keys: readonly PublicKey[],
): Verdict {
  const [untrusted, first, comment, second] = signatureFile.split(/\r?\n/);
  const prefix = "trusted comment: ";
  const packet = base64(first ?? "", 2 + KEY_ID_BYTES + SIGNATURE_BYTES);
  const whole = base64(second ?? "", SIGNATURE_BYTES);
  const readable =
    untrusted?.startsWith("untrusted comment: ") === true && comment?.startsWith(prefix) === true;
  if (!readable || packet === null || whole === null || comment === undefined) {
    return bad("is not one of minisign");
  }
  const algorithm = packet.toString("latin1", 0, 2);
  const id = packet.subarray(2, 2 + KEY_ID_BYTES);
  const signature = packet.subarray(2 + KEY_ID_BYTES);
  if (algorithm !== PLAIN && algorithm !== HASHED) return bad("is of a kind that is not known");
  const signer = keys.find((key) => key.id.equals(id));
  if (signer === undefined) return bad("is by a key that this mcpd does not trust");
  const signed = algorithm === PLAIN ? data : createHash("blake2b512").update(data).digest();
  if (!isGood(signed, signature, signer.key)) return bad("does not fit the file");
  const trustedComment = comment.slice(prefix.length);
  const both = Buffer.concat([signature, Buffer.from(trustedComment, "utf8")]);
  if (!isGood(both, whole, signer.key)) return bad("does not fit its comment");
  return { kind: "good", trustedComment };
}

function isGood(data: Uint8Array, signature: Uint8Array, key: Buffer): boolean {
  const jwk = { kty: "OKP", crv: "Ed25519", x: key.toString("base64url") };
  return verify(null, data, createPublicKey({ key: jwk, format: "jwk" }), signature);
}

function bad(why: string): Verdict {
  return { kind: "bad", why };
}

/** Strict: the decoder of the runtime skips what it does not know. */
function base64(text: string, length: number): Buffer | null {
  const bytes = Buffer.from(text, "base64");
  return bytes.length === length && bytes.toString("base64") === text ? bytes : null;
}
