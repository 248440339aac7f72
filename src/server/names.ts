/** 256 random bits: a key, a session id, the state of a login, each of which keeps others out. */
export function newSecretName(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("base64url");
}

/** Where a session's question ids start: small enough for clients that keep 32 bits. */
export function newQuestionId(): number {
  const [random = 0] = crypto.getRandomValues(new Uint32Array(1));
  return 1 + (random >>> 2);
}
