import { afterAll, expect } from "bun:test";
import { chmodSync, copyFileSync } from "node:fs";

import { Machine, machineTest } from "../helpers/machine.ts";
import { program } from "../helpers/program.ts";

let machine: Machine | undefined;

afterAll(async () => {
  await machine?.[Symbol.asyncDispose]();
});

type Report = {
  readonly findings: readonly { readonly name: string; readonly severity: string }[];
};

machineTest(
  "the doctor sees a service that was stopped and lacks a PATH, and mends it",
  async () => {
    machine = await Machine.boot();
    const path = machine.shared.file("mcpd");
    copyFileSync(program(), path);
    chmodSync(path, 0o755);
    const user = await machine.user();
    const names = async (...words: readonly string[]): Promise<readonly string[]> => {
      const { stdout } = await user.run([path, "doctor", "--json", ...words]);
      const { findings } = JSON.parse(stdout) as Report;
      return findings.filter(({ severity }) => severity !== "info").map(({ name }) => name);
    };
    await user.ask(path, "install");
    expect(await names()).toEqual([]);
    const unit = `${user.home}/.config/systemd/user/mcpd.service`;
    await user.ask("/bin/sed", "-i", 's|PATH=[^"]*|PATH=/nowhere|', unit);
    await user.ask(path, "daemon", "stop");
    expect((await names()).toSorted()).toEqual(["service.path", "service.stopped"]);
    expect(await names("--fix", "--yes")).toEqual([]);
    expect((await user.run([path, "health"])).code).toBe(0);
  },
);
