import { describe, expect } from "bun:test";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { archiveOf, PROGRAM_MODE, TEXT_MODE } from "../../build/archive.ts";
import { fault, isFault } from "../../src/core/fault.ts";
import type { Fetch, Release } from "../../src/install/release.ts";
import { readInstalled } from "../../src/install/state.ts";
import { applySteps } from "../../src/install/steps.ts";
import {
  keptSource,
  planUpgrade,
  type Source,
  unsignedVersion,
} from "../../src/install/upgrade.ts";
import type { Clock } from "../../src/lib/clock.ts";
import { sha256 } from "../../src/lib/hash.ts";
import { posixTest } from "../helpers/posix.ts";
import { TemporaryDirectory } from "../helpers/temporary.ts";
import { Bench, COMMIT, whole, writeProgram } from "./bench.ts";

const FILE = "mcpd-linux-x64.tar.gz";

async function installed(directory: TemporaryDirectory, version = "0.1.0"): Promise<Bench> {
  const bench = new Bench(directory.path, version);
  expect(await bench.install()).toBeNull();
  return bench;
}

/** A release of one archive, got from memory; `change` is what happens to it on the way. */
function network(
  bench: Bench,
  version: string,
  change: (archive: Uint8Array) => Uint8Array = (archive) => archive,
): Source {
  const program = writeProgram(join(bench.home, "download", version, "mcpd"), version);
  const archive = archiveOf([
    { name: "mcpd", bytes: readFileSync(program), mode: PROGRAM_MODE },
    { name: "LICENSE", bytes: Buffer.from("Do."), mode: TEXT_MODE },
  ]);
  const release: Release = { version, sums: new Map([[FILE, sha256(archive)]]) };
  const get: Fetch = async (url) =>
    url.endsWith(`/download/v${version}/${FILE}`) ? change(archive) : fault("release.unreachable");
  return { kind: "network", version, release, base: "http://127.0.0.1", file: FILE, get };
}

describe("upgrade", () => {
  posixTest("brings the service up with the new version and keeps the old one", async () => {
    using directory = new TemporaryDirectory();
    const bench = await installed(directory);
    expect(await bench.upgrade("0.2.0", { source: network(bench, "0.2.0") })).toBeNull();
    expect(await bench.found()).toEqual(whole("0.2.0", "0.1.0"));
    expect(readInstalled(bench.machine.layout).info).toMatchObject({
      commit: COMMIT,
      service: "mcpd.service",
    });
    expect(await bench.upgrade("0.3.0")).toBeNull();
    expect(await bench.found()).toEqual(whole("0.3.0", "0.2.0"));
  });

  posixTest("goes back to the version before, and forth again", async () => {
    using directory = new TemporaryDirectory();
    const bench = await installed(directory);
    expect(keptSource(readInstalled(bench.machine.layout))).toMatchObject({
      code: "install.alone",
      text: "Cannot go back: no earlier version is kept",
    });
    await bench.upgrade("0.2.0");
    for (const [to, from] of [
      ["0.1.0", "0.2.0"],
      ["0.2.0", "0.1.0"],
    ] as const) {
      const source = keptSource(readInstalled(bench.machine.layout));
      expect(source).toEqual({ kind: "kept", version: to });
      expect(await bench.upgrade(to, { source: source as Source })).toBeNull();
      expect(await bench.found()).toEqual(whole(to, from));
    }
  });

  posixTest("goes back to what an upgrade that was cut off should have replaced", async () => {
    using directory = new TemporaryDirectory();
    const bench = await installed(directory);
    await bench.upgrade("0.2.0");
    const { layout } = bench.machine;
    writeFileSync(layout.versionFile, "0.3.0\n");
    const source = keptSource(readInstalled(layout));
    expect(source).toEqual({ kind: "kept", version: "0.2.0" });
    expect(await bench.upgrade("0.2.0", { source: source as Source })).toBeNull();
    expect(await bench.found()).toEqual(whole("0.2.0", "0.1.0"));
  });

  posixTest("leaves a service that its user has stopped at rest", async () => {
    using directory = new TemporaryDirectory();
    const bench = await installed(directory);
    await bench.service.stop();
    expect(await bench.upgrade("0.2.0")).toBeNull();
    expect(bench.service.kept).toEqual({ registered: true, version: null });
  });

  posixTest("needs neither a service manager nor the daemon", async () => {
    using directory = new TemporaryDirectory();
    const bench = new Bench(directory.path, "0.1.0", { service: false });
    await bench.install();
    expect(await bench.upgrade("0.2.0")).toBeNull();
    const service = { registered: false, version: null };
    expect(await bench.found()).toEqual({ ...whole("0.2.0", "0.1.0"), service });
  });

  posixTest("to an older version is refused unless asked for", async () => {
    using directory = new TemporaryDirectory();
    const bench = await installed(directory, "0.2.0");
    expect(await bench.upgrade("0.1.0")).toMatchObject({ code: "install.newer" });
    expect(await bench.upgrade("0.1.0", { allowDowngrade: true })).toBeNull();
    expect(await bench.found()).toEqual(whole("0.1.0", "0.2.0"));
  });

  posixTest("has nothing to replace where nothing is installed", async () => {
    using directory = new TemporaryDirectory();
    const bench = new Bench(directory.path, "0.1.0");
    expect(await bench.upgrade("0.2.0")).toMatchObject({ code: "install.missing" });
    expect(existsSync(bench.machine.layout.root)).toBe(false);
  });
});

describe("an upgrade that goes wrong", () => {
  posixTest("has the old version running again, and keeps the logs of the new one", async () => {
    using directory = new TemporaryDirectory();
    const bench = await installed(directory);
    const path = join(bench.home, "download", "0.2.0", "mcpd");
    writeProgram(path, "0.2.0", true);
    writeFileSync(join(bench.machine.paths.logsDir, "server.log"), "why it failed");
    const problem = await bench.upgrade("0.2.0");
    expect(problem).toMatchObject({
      code: "install.unhealthy",
      data: { step: "Wait for mcpd 0.2.0 to answer on /health", stuck: [] },
    });
    expect(problem?.text).toContain("after 30 s nobody answers; its logs are in");
    expect(await bench.found()).toEqual(whole("0.1.0"));
    const kept = join(bench.machine.paths.logsDir, "failed-0.2.0", "server.log");
    expect(readFileSync(kept, "utf8")).toBe("why it failed");
  });

  posixTest("is given up after its time, however the clock is set meanwhile", async () => {
    for (const hours of [-24, 24]) {
      using directory = new TemporaryDirectory();
      const bench = await installed(directory);
      const { clock } = bench.machine;
      const begunMs = clock.monotonic();
      // Set again each time somebody looks.
      let setMs = 0;
      const now = (): number => clock.now() + (setMs += hours * 3_600_000);
      const machine = {
        ...bench.machine,
        clock: { ...clock, now },
        daemonVersion: async () => null,
      };
      const path = writeProgram(join(bench.home, "download", "0.2.0", "mcpd"), "0.2.0");
      const steps = planUpgrade(machine, { kind: "file", version: "0.2.0", path }, false);
      if (isFault(steps)) throw new Error(steps.text);
      expect(await applySteps(steps)).toMatchObject({ fault: { code: "install.unhealthy" } });
      expect(clock.monotonic() - begunMs).toBeWithin(30_000, 31_000);
    }
  });

  posixTest("is not waited for when the service manager waits for it for ever", async () => {
    using directory = new TemporaryDirectory();
    const bench = await installed(directory);
    const { machine, service } = bench;
    const { promise: never } = Promise.withResolvers<null>();
    const register = service.register.bind(service);
    let asked = 0;
    service.register = async () => await (++asked === 1 ? never : register());
    const clock: Clock = {
      ...machine.clock,
      after(_delayMs, action) {
        queueMicrotask(action);
        return { cancel: () => undefined };
      },
    };
    const path = writeProgram(join(bench.home, "download", "0.2.0", "mcpd"), "0.2.0");
    const source = { kind: "file", version: "0.2.0", path } as const;
    const plan = planUpgrade({ ...machine, clock }, source, false);
    const outcome = isFault(plan) ? null : await applySteps(plan);
    expect(outcome).toMatchObject({
      step: "Restart mcpd.service",
      fault: { text: "mcpd 0.2.0 does not come up: systemd still waits for it after 30 s" },
      stuck: [],
    });
    expect(await bench.found()).toEqual(whole("0.1.0"));
  });

  const cut = (archive: Uint8Array): Uint8Array => archive.subarray(0, archive.length - 9);
  const flipped = (archive: Uint8Array): Uint8Array =>
    archive.with(archive.length >> 1, (archive[archive.length >> 1] ?? 0) ^ 1);
  for (const [what, change] of [
    ["cut off", cut],
    ["tampered with", flipped],
  ] as const) {
    posixTest(`is none when the archive is ${what}`, async () => {
      using directory = new TemporaryDirectory();
      const bench = await installed(directory);
      const source = network(bench, "0.2.0", change);
      expect(await bench.upgrade("0.2.0", { source })).toMatchObject({
        code: "release.untrusted",
        text: `Cannot trust ${FILE}: its SHA-256 is another one`,
      });
      // What runs goes on: nothing of it was touched.
      expect(bench.service.starts).toBe(1);
      expect(await bench.found()).toEqual(whole("0.1.0"));
    });
  }

  posixTest("is none when the new program does not run, or is another one", async () => {
    using directory = new TemporaryDirectory();
    const bench = await installed(directory);
    const path = join(bench.home, "download", "0.2.0", "mcpd");
    writeProgram(path, "0.3.0");
    expect((await bench.upgrade("0.2.0"))?.text).toContain("says that it is 0.3.0, and 0.2.0 was");
    writeFileSync(path, new Uint8Array([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0]));
    expect((await bench.upgrade("0.2.0"))?.text).toContain("it does not run on this machine");
    writeFileSync(path, "#!/bin/sh\nexit 3\n");
    expect((await bench.upgrade("0.2.0"))?.text).toContain("exit code 3");
    writeFileSync(
      path,
      archiveOf([{ name: "README", bytes: Buffer.from("hello"), mode: TEXT_MODE }]),
    );
    expect(await bench.upgrade("0.2.0")).toMatchObject({ code: "install.broken" });
    writeFileSync(
      path,
      cut(archiveOf([{ name: "mcpd", bytes: Buffer.alloc(100_000), mode: PROGRAM_MODE }])),
    );
    expect(await bench.upgrade("0.2.0")).toMatchObject({ code: "install.broken" });
    expect(await bench.found()).toEqual(whole("0.1.0"));
  });

  posixTest("is none without a network, and says what to do instead", async () => {
    using directory = new TemporaryDirectory();
    const bench = await installed(directory);
    const get: Fetch = async () => fault("release.unreachable", "Cannot download it: offline");
    const source = { ...network(bench, "0.2.0"), get } as Source;
    expect(await bench.upgrade("0.2.0", { source })).toMatchObject({ code: "release.unreachable" });
    expect(await bench.found()).toEqual(whole("0.1.0"));
  });
});

posixTest("an unsigned file says its version itself, and nothing of it is left", async () => {
  using directory = new TemporaryDirectory();
  const bench = await installed(directory);
  const path = writeProgram(directory.file("new"), "0.5.0");
  expect(await unsignedVersion(bench.machine, path)).toBe("0.5.0");
  writeProgram(path, "../../../.ssh");
  expect(await unsignedVersion(bench.machine, path)).toMatchObject({ code: "install.broken" });
  expect(readdirSync(bench.machine.layout.versionsDir)).toEqual(["0.1.0"]);
});
