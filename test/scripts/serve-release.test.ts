import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";

import { serveRelease } from "../../scripts/serve-release.ts";
import { TemporaryDirectory } from "../helpers/temporary.ts";

test("a served release has its files under the paths of a release, and nothing else", async () => {
  using directory = new TemporaryDirectory();
  writeFileSync(directory.file("SHA256SUMS"), "sums");
  const server = serveRelease(directory.path, 0);
  const get = async (path: string): Promise<string> => {
    const answer = await fetch(`http://127.0.0.1:${server.port}${path}`);
    return `${answer.status} ${await answer.text()}`;
  };
  try {
    expect(await get("/latest/download/SHA256SUMS")).toBe("200 sums");
    expect(await get("/download/v1.2.3-beta.1/SHA256SUMS")).toBe("200 sums");
    for (const path of ["/SHA256SUMS", "/latest/download/nope", "/latest/download/%2e%2e", "/"]) {
      expect(await get(path)).toBe("404 none");
    }
  } finally {
    await server.stop(true);
  }
});
