import { afterAll, describe, expect } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { dirname, join } from "node:path";

import { linuxPlatform } from "../../src/platform/linux.ts";
import { posixUser, socketAddress } from "../../src/platform/posix.ts";
import { linuxTest, posixTest } from "../helpers/posix.ts";
import { ROOT } from "../helpers/sources.ts";

const root = mkdtempSync(join(tmpdir(), "mcpd-px-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe("posix", () => {
  posixTest("the control socket is in the runtime directory when that is ours", () => {
    expect(socketAddress([root], "/s")).toBe(join(root, "mcpd", "mcpd.sock"));
  });

  posixTest("a runtime directory that is missing, relative or no directory is left alone", () => {
    symlinkSync(root, join(root, "link"));
    for (const directory of [join(root, "no"), "run", join(root, "link")]) {
      expect(socketAddress([directory], "/s")).toBe("/s/mcpd.sock");
    }
  });

  posixTest("a home that is relative is none", () => {
    const script = `import { posixUser } from ${JSON.stringify(join(ROOT, "src/platform/posix.ts"))};
      try { posixUser(process.env) } catch (error) { console.log(error.fault.text) }`;
    // The runtime of the test keeps a cache there as well.
    const options = { cwd: root, env: { HOME: "x" } };
    const { stdout } = Bun.spawnSync([process.execPath, "-e", script], options);
    expect(stdout.toString()).toBe(
      'Cannot use the home directory "x": HOME has to be an absolute path\n',
    );
  });

  linuxTest("a bare environment leads to the same socket as that of a login", () => {
    const bare = linuxPlatform({ HOME: root });
    const login = linuxPlatform({ HOME: root, XDG_RUNTIME_DIR: `/run/user/${userInfo().uid}` });
    expect(bare.paths.controlAddress).toBe(login.paths.controlAddress);
  });

  linuxTest("the runtime directory of somebody else leads to our own", () => {
    const login = linuxPlatform({ HOME: root, XDG_RUNTIME_DIR: `/run/user/${userInfo().uid}` });
    for (const XDG_RUNTIME_DIR of ["", "/no/such", "run"]) {
      const { paths } = linuxPlatform({ HOME: root, XDG_RUNTIME_DIR });
      expect(paths.controlAddress).toBe(login.paths.controlAddress);
    }
    expect(socketAddress([join(root, "no"), root], "/s")).toBe(join(root, "mcpd", "mcpd.sock"));
  });

  posixTest("a path too long for a socket is replaced by a private one, always the same", () => {
    const stateDir = join(root, "deep".repeat(30));
    const address = socketAddress([], stateDir);
    const directory = dirname(address);
    expect(Buffer.byteLength(address)).toBeLessThanOrEqual(100);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(socketAddress([], stateDir)).toBe(address);
    expect(socketAddress([], `${stateDir}2`)).not.toBe(address);
    rmSync(dirname(socketAddress([], `${stateDir}2`)), { recursive: true });
    chmodSync(directory, 0o755);
    expect(() => socketAddress([], stateDir)).toThrow("it is not private to this user");
    rmSync(directory, { recursive: true });
    mkdirSync(join(root, "bait"), { mode: 0o700 });
    symlinkSync(join(root, "bait"), directory);
    expect(() => socketAddress([], stateDir)).toThrow("it is not private to this user");
    rmSync(directory);
  });

  posixTest("the user is who runs the process, whatever the environment says", () => {
    const tool = Bun.spawnSync(["id", "-un"]);
    const user = posixUser({ USER: "mallory", LOGNAME: "mallory", HOME: "/home/x" });
    expect(user.name).toBe(tool.stdout.toString().trim());
    expect(user.home).toBe("/home/x");
    expect(user.elevated).toBe(userInfo().uid === 0);
  });
});
