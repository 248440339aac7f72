/** Keys and signatures in minisign's own form, without a password on the secret key. */
import { createHash, createPrivateKey, generateKeyPairSync, sign } from "node:crypto";

const COMMENT = "untrusted comment: ";
/** Algorithm, key derivation (none) and checksum, then salt and limits of the derivation. */
const SECRET_HEAD = "Ed\0\0B2";
const DERIVATION_BYTES = 48;
const KEY_ID_BYTES = 8;
const SEED_BYTES = 32;

export type SecretKey = { readonly id: Buffer; readonly seed: Buffer; readonly key: Buffer };

export function makeKey(): SecretKey {
  const { privateKey } = generateKeyPairSync("ed25519");
  const { d = "", x = "" } = privateKey.export({ format: "jwk" });
  const id = Buffer.from(crypto.getRandomValues(new Uint8Array(KEY_ID_BYTES)));
  return { id, seed: Buffer.from(d, "base64url"), key: Buffer.from(x, "base64url") };
}

/** The second line of a .pub file. */
export function publicText({ id, key }: SecretKey): string {
  return Buffer.concat([Buffer.from("Ed"), id, key]).toString("base64");
}

/** A secret key file as `minisign -G -W` writes it. */
export function secretText(secret: SecretKey): string {
  const { id, seed, key } = secret;
  const packet = Buffer.concat([
    Buffer.from(SECRET_HEAD, "latin1"),
    Buffer.alloc(DERIVATION_BYTES),
    id,
    seed,
    key,
    checksum(secret),
  ]);
  return `${COMMENT}minisign secret key, no password\n${packet.toString("base64")}\n`;
}

/** Reads a secret key file. Throws when it is none, or has a password. */
export function parseSecret(text: string): SecretKey {
  const packet = Buffer.from(text.split("\n")[1] ?? "", "base64");
  const start = SECRET_HEAD.length + DERIVATION_BYTES;
  const seed = start + KEY_ID_BYTES;
  if (packet.toString("latin1", 0, SECRET_HEAD.length) !== SECRET_HEAD) {
    throw new Error("Cannot read the secret key: it is none of minisign without a password");
  }
  const secret = {
    id: packet.subarray(start, seed),
    seed: packet.subarray(seed, seed + SEED_BYTES),
    key: packet.subarray(seed + SEED_BYTES, seed + 2 * SEED_BYTES),
  };
  if (!packet.subarray(seed + 2 * SEED_BYTES).equals(checksum(secret))) {
    throw new Error("Cannot read the secret key: its checksum is wrong");
  }
  return secret;
}

/** The text of a .minisig file: the hash is signed, then the signature with the comment. */
export function signatureText(data: Uint8Array, comment: string, secret: SecretKey): string {
  const jwk = {
    kty: "OKP",
    crv: "Ed25519",
    d: secret.seed.toString("base64url"),
    x: secret.key.toString("base64url"),
  };
  const key = createPrivateKey({ key: jwk, format: "jwk" });
  const signature = sign(null, createHash("blake2b512").update(data).digest(), key);
  const whole = sign(null, Buffer.concat([signature, Buffer.from(comment)]), key);
  const packet = Buffer.concat([Buffer.from("ED"), secret.id, signature]);
  return [
    `${COMMENT}signature of a release of mcpd`,
    packet.toString("base64"),
    `trusted comment: ${comment}`,
    whole.toString("base64"),
    "",
  ].join("\n");
}

/** BLAKE2b of 256 bits over algorithm, id and both halves of the key. */
function checksum({ id, seed, key }: SecretKey): Buffer {
  const hasher = new Bun.CryptoHasher("blake2b256");
  return Buffer.from(hasher.update(Buffer.concat([Buffer.from("Ed"), id, seed, key])).digest());
}
