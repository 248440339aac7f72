/** 256 random bits: a session id, and the state of a login, is also what keeps others out. */
export function newSecretName(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("base64url");
}

/** Where a session's question ids start: small enough for clients that keep 32 bits. */
export function newQuestionId(): number {
  const [random = 0] = crypto.getRandomValues(new Uint32Array(1));
  return 1 + (random >>> 2);
}
