import { afterAll, describe, expect } from "bun:test";
import { copyFileSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

import { stamp } from "../../build/compile.ts";
import { writeRelease } from "../../build/release.ts";
import { runsHere } from "../../build/smoke.ts";
import { TARGETS } from "../../build/targets.ts";
import { type Finished, Machine, machineTest, type MachineUser } from "../helpers/machine.ts";
import { program } from "../helpers/program.ts";
import { ROOT } from "../helpers/sources.ts";

// What stands in the README, with a real release, on a machine with a real systemd.

const URL = "http://127.0.0.1:8765";
const SERVER = "serve-release.ts";
const INSTALLED = "$HOME/.local/share/mcpd/bin/mcpd";

/** `$1` is bun, `$2` the directory that is shared. */
const SERVING = `
"$1" "$2/${SERVER}" "$2/release" 8765 >/dev/null &
trap "kill $!" EXIT
export MCPD_DOWNLOAD_URL=${URL}
until curl --silent ${URL} >/dev/null; do sleep 0.05; done
`;
const INSTALL = `curl -fsSL ${URL}/latest/download/install.sh | sh`;

let booting: Promise<Machine> | undefined;

afterAll(async () => {
  await (await booting)?.[Symbol.asyncDispose]();
});

/** A machine that has the files of a release of dist/mcpd. */
async function boot(): Promise<Machine> {
  const machine = await Machine.boot();
  const path = program();
  const target = TARGETS.find(runsHere)?.name ?? "";
  const built = { target, file: basename(path), bytes: readFileSync(path) };
  writeRelease(machine.shared.file("release"), { version: stamp().version, programs: [built] });
  copyFileSync(join(ROOT, "scripts", SERVER), machine.shared.file(SERVER));
  return machine;
}

async function newUser(): Promise<MachineUser> {
  booting ??= boot();
  return await (await booting).user();
}

/** Runs shell commands of a user while the release is served. */
async function serving(user: MachineUser, script: string): Promise<Finished> {
  const { shared } = user.machine;
  const words = ["sh", shared.file("bun"), shared.path];
  return await user.run(["sh", "-euc", SERVING + script, ...words]);
}

describe("curl | sh", () => {
  machineTest("ends in a service that runs and answers", async () => {
    const user = await newUser();
    const done = await serving(user, INSTALL);
    expect(done).toMatchObject({ code: 0 });
    expect(await user.ask("systemctl", "--user", "is-active", "mcpd.service")).toBe("active");
    const status = JSON.parse(await user.ask("sh", "-c", `"${INSTALLED}" status --json`));
    expect(status).toMatchObject({ verdict: "healthy", version: stamp().version });
  });

  machineTest("does nothing when the same version is there, and takes it away again", async () => {
    const user = await newUser();
    await serving(user, INSTALL);
    const again = await serving(user, INSTALL);
    expect(again).toMatchObject({ code: 0 });
    expect(again.stdout).toContain("already installed");
    const gone = await serving(user, `${INSTALL} -s -- --uninstall --yes`);
    expect(gone).toMatchObject({ code: 0 });
    const service = await user.run(["systemctl", "--user", "is-enabled", "mcpd.service"]);
    expect(service.code).not.toBe(0);
    const programs = (await user.files()).filter((path) => path.includes("/share/mcpd"));
    expect(programs).toEqual([]);
  });
});
