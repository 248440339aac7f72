import { describe, expect, test } from "bun:test";

import {
  makeKey,
  parseSecret,
  publicText,
  secretText,
  signatureText,
} from "../../build/signing.ts";
import { parsePublicKey, type PublicKey, verifySignature } from "../../src/install/minisign.ts";

/** Made with minisign itself, over the four bytes "test". */
const KEY = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
const HASHED = `untrusted comment: signature from minisign secret key
RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=
trusted comment: timestamp:1633700835\tfile:test\tprehashed
wLMDjy9FLAuxZ3q4NlEvkgtyhrr0gtTu6KC4KBJdITbbOeAi1zBIYo0v4iTgt8jJpIidRJnp94ABQkJAgAooBQ==
`;
const PLAIN = `untrusted comment: signature from minisign secret key
RWQf6LRCGA9i59SLOFxz6NxvASXDJeRtuZykwQepbDEGt87ig1BNpWaVWuNrm73YiIiJbq71Wi+dP9eKL8OC351vwIasSSbXxwA=
trusted comment: timestamp:1555779966\tfile:test
QtKMXWyYcwdpZAlPF7tE2ENJkRd1ujvKjlj1m9RtHTBnZPa5WKU5uWRs5GoP5M/VqE81QFuMKI5k/SfNQUaOAA==
`;
const TEST = Buffer.from("test");

function keyOf(text: string): PublicKey {
  const key = parsePublicKey(text);
  if (key === null) throw new Error(`${text} is no key`);
  return key;
}

describe("a signature that minisign made", () => {
  const keys = [keyOf(KEY)];

  test("is good, of both kinds, with its comment", () => {
    const comment = "timestamp:1633700835\tfile:test\tprehashed";
    expect(verifySignature(TEST, HASHED, keys)).toEqual({ kind: "good", trustedComment: comment });
    expect(verifySignature(TEST, PLAIN, keys)).toMatchObject({ kind: "good" });
  });

  test("is bad for other bytes, another comment and another key", () => {
    const why = (data: Buffer, text: string, trusted = keys): string => {
      const verdict = verifySignature(data, text, trusted);
      return verdict.kind === "bad" ? verdict.why : "good";
    };
    expect(why(Buffer.from("Test"), HASHED)).toBe("does not fit the file");
    expect(why(Buffer.from("Test"), PLAIN)).toBe("does not fit the file");
    expect(why(TEST, HASHED.replace("file:test", "file:best"))).toBe("does not fit its comment");
    expect(why(TEST, HASHED, [keyOf(publicText(makeKey()))])).toContain("does not trust");
    expect(why(TEST, HASHED, [])).toContain("does not trust");
    expect(why(TEST, "")).toBe("is not one of minisign");
    expect(why(TEST, HASHED.replace("trusted comment: timestamp", "x"))).toContain("not one of");
    expect(why(TEST, HASHED.replace("RUQf", "RXQf"))).toContain("a kind that is not known");
  });

  test("is bad with any one byte of it changed", () => {
    const lines = HASHED.split("\n");
    for (const line of [1, 3]) {
      const bytes = Buffer.from(lines[line] ?? "", "base64");
      for (let at = 0; at < bytes.length; at += 7) {
        const other = Buffer.from(bytes);
        other[at] = (other[at] ?? 0) ^ 1;
        const text = lines.with(line, other.toString("base64")).join("\n");
        expect(verifySignature(TEST, text, keys).kind).toBe("bad");
      }
    }
  });
});

test("what the release script signs, the program trusts", () => {
  const secret = parseSecret(secretText(makeKey()));
  const key = keyOf(publicText(secret));
  const text = signatureText(TEST, "mcpd 0.2.0", secret);
  expect(verifySignature(TEST, text, [keyOf(KEY), key])).toEqual({
    kind: "good",
    trustedComment: "mcpd 0.2.0",
  });
});

test("a secret key that is damaged or none is refused", () => {
  const text = secretText(makeKey());
  expect(() => parseSecret("hello")).toThrow("none of minisign");
  const damaged = Buffer.from(text.split("\n")[1] ?? "", "base64");
  damaged[80] = (damaged[80] ?? 0) ^ 1;
  expect(() => parseSecret(`comment\n${damaged.toString("base64")}\n`)).toThrow("checksum");
});

test("what is no public key is none", () => {
  expect(parsePublicKey("")).toBeNull();
  expect(parsePublicKey(KEY.slice(1))).toBeNull();
  expect(parsePublicKey(KEY.replace("RWQ", "RUQ"))).toBeNull();
});
