/**
 * `bun run release:keys FILE` makes a key pair for releases: the secret half goes to FILE, which
 * must be outside the tree, the public half to build/release-keys.txt.
 */
import { appendFileSync, writeFileSync } from "node:fs";
import { resolve, sep } from "node:path";

import { RELEASE_KEYS_FILE, ROOT, stamp } from "../build/compile.ts";
import { makeKey, publicText, secretText } from "../build/signing.ts";

const KEYS_MAX = 2;

/** Returns the exit code. */
function main(word: string | undefined): number {
  const refuse = (text: string): number => {
    console.error(text);
    return 2;
  };
  if (word === undefined)
    return refuse("Name a file for the secret key: bun run release:keys FILE");
  const file = resolve(word);
  if (file.startsWith(`${ROOT}${sep}`)) {
    return refuse(`Cannot write the secret key to ${file}: it must not be inside the tree`);
  }
  if (stamp().releaseKeys.length >= KEYS_MAX) {
    return refuse(`Cannot add a key: ${RELEASE_KEYS_FILE} has ${KEYS_MAX}; remove the older one`);
  }
  const secret = makeKey();
  // "wx": a key that exists is never written over.
  writeFileSync(file, secretText(secret), { mode: 0o600, flag: "wx" });
  appendFileSync(RELEASE_KEYS_FILE, `${publicText(secret)}\n`);
  console.log(`The secret key is in ${file}: keep it offline, and a copy of it elsewhere.`);
  console.log(`Its public half is in ${RELEASE_KEYS_FILE}: commit it.`);
  return 0;
}

process.exitCode = main(process.argv[2]);
