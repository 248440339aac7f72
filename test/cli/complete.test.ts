import { expect, test } from "bun:test";

import { Bench } from "./bench.ts";

test("completions are scripts that their shell accepts, and offer what fits", async () => {
  using bench = new Bench();
  bench.serve();
  const bash = await bench.run(["completions", "bash"]);
  const parsed = Bun.spawn(["bash", "-n"], { stdin: Buffer.from(bash.stdout), stderr: "pipe" });
  expect(await new Response(parsed.stderr).text()).toBe("");
  for (const shell of ["zsh", "fish", "powershell"]) {
    expect((await bench.run(["completions", shell])).stdout).toContain("mcpd complete --");
  }
  // What the switch does that is offered, not the one it takes back.
  expect((await bench.run(["complete", "--", "status", "--no-c"])).stdout).toBe(
    "--no-color\tNo colour, also not on a terminal\n",
  );
  const offered = async (...words: string[]): Promise<string[]> =>
    (await bench.run(["complete", "--", ...words])).stdout
      .split("\n")
      .flatMap((line) => line.split("\t")[0] || []);
  expect(await offered("sta")).toEqual(["start", "status"]);
  expect(await offered("servers", "re")).toEqual(["remove"]);
  expect(await offered("help", "config", "sc")).toEqual(["schema"]);
  expect(await offered("status", "--w")).toEqual(["--watch"]);
  expect(await offered("servers", "add", "x", "--scope", "")).toEqual([
    "user",
    "project",
    "session",
  ]);
  expect(await offered("completions", "")).toEqual(["bash", "zsh", "fish", "powershell"]);
  expect(await offered("call", "")).toEqual(["files", "web"]);
  expect(await offered("call", "files", "read")).toEqual(["read_file"]);
  expect(await offered("servers", "remove", "w")).toEqual(["web"]);
  expect(await offered("connect", "cu")).toEqual(["cursor"]);
  expect(await offered("connect", "cursor", "--scope", "p")).toEqual(["project"]);
});
