import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";

import { darwinKeychain, linuxKeychain } from "../../src/platform/keychain.ts";
import type { ToolResult, ToolRunner } from "../../src/platform/run.ts";
import { posixTest } from "../helpers/posix.ts";
import { TemporaryDirectory } from "../helpers/temporary.ts";
import { within } from "../helpers/wait.ts";

/** What the tools of a system say, after a glance at what they are asked. */
function saying(result: Partial<ToolResult>, asked: string[] = []): ToolRunner {
  return (argv) => {
    asked.push(argv.join(" "));
    return Promise.resolve({ code: 0, stdout: "", stderr: "", ...result });
  };
}

describe("the keychain of macOS", () => {
  const read = async (result: Partial<ToolResult>) =>
    await darwinKeychain("github", "ada", undefined, saying(result));

  test("is asked by the tool that people write it with", async () => {
    const asked: string[] = [];
    await darwinKeychain("github", "ada", undefined, saying({}, asked));
    expect(asked).toEqual(["/usr/bin/security find-generic-password -s github -a ada -g"]);
  });

  test("gives any secret as it was written", async () => {
    const attributes = 'keychain: "/Users/ada/Library/Keychains/login.keychain-db"\n';
    const secrets: readonly (readonly [string, string])[] = [
      ['password: "abc"def"\n', 'abc"def'],
      ['password: "6162"\n', "6162"],
      ['password: 0x70C3A40A  "p\\303\\244\\012"\n', "pä\n"],
    ];
    for (const [stderr, value] of secrets) {
      expect(await read({ stdout: attributes, stderr })).toEqual({ kind: "value", value });
    }
  });

  test("says what is missing, and why it cannot be read", async () => {
    const missing = "security: SecKeychainSearchCopyNext: The specified item could not be found.";
    expect(await read({ code: 44, stderr: missing })).toEqual({ kind: "missing" });
    const refused = "security: SecKeychainItemCopyContent: User interaction is not allowed.";
    expect(await read({ code: 36, stderr: refused })).toEqual({ kind: "unusable", why: refused });
    expect(await read({ code: 124 })).toMatchObject({ why: expect.stringContaining("locked") });
  });
});

/** As libsecret's tool does it: nothing but the secret, 1 for nothing found, a line for trouble. */
const SECRET_TOOL = `#!/bin/sh
test "$#" -eq 5 && test "$1 $2 $4" = "lookup service account" || exit 2
case "$3" in
  github) printf 's3cret-ünï' ;;
  nobody) exit 1 ;;
  *) echo 'secret-tool: Cannot autolaunch D-Bus without X11 $DISPLAY' >&2; exit 1 ;;
esac
`;

describe("the secret service of Linux", () => {
  posixTest("is asked by its tool", async () => {
    using directory = new TemporaryDirectory();
    writeFileSync(directory.file("secret-tool"), SECRET_TOOL, { mode: 0o755 });
    const environment = { PATH: `${directory.path}:/usr/bin:/bin` };
    const read = async (service: string) => await linuxKeychain(service, "ada", { environment });
    expect(await read("github")).toEqual({ kind: "value", value: "s3cret-ünï" });
    expect(await read("nobody")).toEqual({ kind: "missing" });
    const why = expect.stringContaining("Cannot autolaunch D-Bus") as string;
    expect(await read("server")).toEqual({ kind: "unusable", why });
  });

  posixTest("is left alone when nobody waits for its answer any more", async () => {
    using directory = new TemporaryDirectory();
    writeFileSync(directory.file("secret-tool"), "#!/bin/sh\nexec sleep 60\n", { mode: 0o755 });
    const environment = { PATH: `${directory.path}:/usr/bin:/bin` };
    const waiting = new AbortController();
    const answer = linuxKeychain("github", "ada", { environment, ending: waiting.signal });
    waiting.abort();
    expect(await within("the tool to end", answer)).toMatchObject({ kind: "unusable" });
    const later = linuxKeychain("github", "ada", { environment, ending: waiting.signal });
    expect(await within("the tool not to start", later)).toMatchObject({ kind: "unusable" });
  });

  test("says which package is missing, and does not wait for a dialog for ever", async () => {
    using directory = new TemporaryDirectory();
    const environment = { PATH: directory.path };
    expect(await linuxKeychain("github", "ada", { environment })).toMatchObject({
      why: expect.stringContaining("libsecret-tools"),
    });
    writeFileSync(directory.file("secret-tool"), "", { mode: 0o755 });
    const late = await linuxKeychain("github", "ada", { environment }, saying({ code: 124 }));
    expect(late).toMatchObject({ why: expect.stringContaining("locked") });
  });
});
