import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";

import { makeKey, publicText, signatureText } from "../../build/signing.ts";
import { fault, isFault } from "../../src/core/fault.ts";
import {
  checkFile,
  checkSum,
  type Fetch,
  fetchRelease,
  httpFetch,
  releaseUrl,
} from "../../src/install/release.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { sha256 } from "../../src/lib/hash.ts";
import { TemporaryDirectory } from "../helpers/temporary.ts";

const BASE = "https://releases.example/mcpd";
const secret = makeKey();
const keys = [publicText(secret)];
const SUMS = `${sha256("one")}  mcpd-a.tar.gz\n${sha256("two")} *mcpd-b.tar.gz\n`;

/** Answers with a list and its signature, both of which a test may choose. */
function shelf(version: string, sums = SUMS, comment = `mcpd ${version}`, by = secret): Fetch {
  return async (url) => {
    const signature = signatureText(Buffer.from(SUMS), comment, by);
    return Buffer.from(url.endsWith(".minisig") ? signature : sums);
  };
}

describe("the list of a release", () => {
  test("says its version and the sums of its files", async () => {
    const release = await fetchRelease(shelf("0.2.0"), BASE, null, keys);
    if (isFault(release)) throw new Error(release.text);
    expect(release.version).toBe("0.2.0");
    expect(checkSum(release, "mcpd-a.tar.gz", Buffer.from("one"))).toBeNull();
    expect(checkSum(release, "mcpd-b.tar.gz", Buffer.from("two"))).toBeNull();
    const wrong = ["mcpd-b.tar.gz", "mcpd-c.tar.gz", "__proto__"].map((file) =>
      checkSum(release, file, Buffer.from("one")),
    );
    expect(wrong.map((problem) => problem?.code)).toEqual(wrong.map(() => "release.untrusted"));
  });

  test.each([
    ["changed after it was signed", shelf("0.2.0", SUMS.replace("mcpd-a", "mcpd-x")), null],
    ["signed by another key", shelf("0.2.0", SUMS, "mcpd 0.2.0", makeKey()), null],
    ["of an older version than asked for", shelf("0.1.0"), "0.2.0"],
    ["of another program", shelf("0.2.0", SUMS, "other 0.2.0"), null],
    ["of no version", shelf("0.2.0", SUMS, "mcpd ../../x"), null],
  ])("is not trusted when it is %s", async (_what, get, wanted) => {
    expect(await fetchRelease(get, BASE, wanted, keys)).toMatchObject({
      code: "release.untrusted",
    });
  });

  test("is not even asked for by a build without keys", async () => {
    const get: Fetch = async () => fault("internal", "asked");
    expect(await fetchRelease(get, BASE, null, [])).toMatchObject({ code: "release.unsigned" });
    expect(await fetchRelease(get, BASE, null, ["junk"])).toMatchObject({
      code: "release.unsigned",
    });
  });

  test("may be signed by either of two keys, so that one can take the other's place", async () => {
    const both = [publicText(makeKey()), ...keys];
    expect(await fetchRelease(shelf("0.2.0"), BASE, "0.2.0", both)).toMatchObject({
      version: "0.2.0",
    });
  });
});

test("addresses are of https, or of this machine", () => {
  const url = (base: string): string | false => {
    const made = releaseUrl(base, "0.2.0", "f");
    return isFault(made) ? false : made;
  };
  expect(url(`${BASE}//`)).toBe(`${BASE}/download/v0.2.0/f`);
  expect(releaseUrl(BASE, null, "f")).toBe(`${BASE}/latest/download/f`);
  expect(url("http://127.0.0.1:8080/m")).toBe("http://127.0.0.1:8080/m/download/v0.2.0/f");
  for (const bad of ["http://releases.example", "ftp://x", "file:///etc", "", "releases.example"]) {
    expect([bad, url(bad)]).toEqual([bad, false]);
  }
});

test("a file is known by its own signature, too", () => {
  using directory = new TemporaryDirectory();
  const path = directory.file("mcpd");
  writeFileSync(path, "program");
  expect(checkFile(path, keys)).toMatchObject({ code: "release.unsigned" });
  writeFileSync(`${path}.minisig`, signatureText(Buffer.from("program"), "mcpd 0.4.0", secret));
  expect(checkFile(path, keys)).toEqual({ version: "0.4.0" });
  writeFileSync(path, "another");
  expect(checkFile(path, keys)).toMatchObject({ code: "release.untrusted" });
});

describe("a download", () => {
  test("is heard of, and ends at its limit, at a refusal and when it breaks off", async () => {
    using server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: ({ url }) => {
        if (url.endsWith("/none")) return new Response("", { status: 404 });
        return new Response(new Uint8Array(100_000));
      },
    });
    const heard: number[] = [];
    const get = httpFetch((bytes) => heard.push(bytes), AbortSignal.timeout(10_000), systemClock);
    const got = await get(`${server.url}whole`, 100_000);
    expect(isFault(got) ? got.text : got.length).toBe(100_000);
    expect(heard.at(-1)).toBe(100_000);
    const texts = [
      await get(`${server.url}whole`, 99_999),
      await get(`${server.url}none`, 10),
      await get("http://127.0.0.1:1/", 10),
    ].map((problem) => (isFault(problem) ? problem.code : "got"));
    expect(texts).toEqual(Array.from({ length: 3 }, () => "release.unreachable"));
  });

  test("ends when the other side falls silent, at once or on the way", async () => {
    using server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: async ({ url }) => {
        if (url.endsWith("/never")) await new Promise(() => undefined);
        const pull = (body: ReadableStreamDefaultController): void => body.enqueue("beginning");
        return new Response(new ReadableStream({ start: pull }));
      },
    });
    const get = httpFetch(() => undefined, AbortSignal.timeout(10_000), systemClock, 100);
    for (const path of ["never", "half"]) {
      const problem = await get(`${server.url}${path}`, 100_000);
      expect([path, problem]).toMatchObject([
        path,
        { code: "release.unreachable", text: expect.stringContaining("no answer for 100 ms") },
      ]);
    }
    await server.stop(true);
  });
});
