import { expect } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { Machine, machineTest } from "../helpers/machine.ts";
import { waitFor } from "../helpers/wait.ts";

// The machine that other tests run on is held to the same rules as they.

/** The name of its directory and control group. */
function nameOf(machine: Machine): string {
  const groups = readFileSync(`/proc/${machine.first}/cgroup`, "utf8");
  return /mcpd-machine\.\w+/.exec(groups)?.[0] ?? "";
}

function groupExists(name: string): boolean {
  const [tree] = /^\S+ (\S+) cgroup2 /m.exec(readFileSync("/proc/mounts", "utf8"))?.slice(1) ?? [];
  return tree !== undefined && existsSync(join(tree, name));
}

machineTest("two machines at once do not see each other, and leave nothing behind", async () => {
  const machines = await Promise.all([Machine.boot(), Machine.boot()]);
  const names = machines.map(nameOf);
  try {
    expect(names.every((name) => name !== "" && groupExists(name))).toBe(true);
    const [one, other] = await Promise.all(machines.map((machine) => machine.user()));
    if (one === undefined || other === undefined) throw new Error("there are two");
    await one.ask("touch", "/tmp/only-here");
    expect((await other.run(["test", "-e", "/tmp/only-here"])).code).toBe(1);
    expect(existsSync("/tmp/only-here")).toBe(false);
    expect(await one.ask("systemctl", "--user", "is-system-running")).toBe("running");
    expect(await one.ask("id", "-un")).toBe(one.name);
  } finally {
    for (const machine of machines) await machine[Symbol.asyncDispose]();
  }
  for (const [at, name] of names.entries()) {
    expect([name, groupExists(name)]).toEqual([name, false]);
    expect(existsSync(join("/tmp", name))).toBe(false);
    // Whoever adopted it has to take note of its end.
    await waitFor("process 1", () => !existsSync(`/proc/${machines[at]?.first}`));
    expect(existsSync(machines[at]?.shared.path ?? "/")).toBe(false);
  }
});

machineTest("a machine whose script is killed ends, and the next one tidies up", async () => {
  const killed = await Machine.boot();
  const name = nameOf(killed);
  killed.script.kill("SIGKILL");
  await killed.script.exited;
  await waitFor("the end of its process 1", () => !existsSync(`/proc/${killed.first}`));
  await killed[Symbol.asyncDispose]();
  await using next = await Machine.boot();
  expect(nameOf(next)).not.toBe(name);
  expect([groupExists(name), existsSync(join("/tmp", name))]).toEqual([false, false]);
});
