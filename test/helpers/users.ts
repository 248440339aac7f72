/** A machine with a real systemd that has dist/mcpd, booted with its first user: for one file. */
import { chmodSync, copyFileSync } from "node:fs";

import { type Finished, Machine, type MachineUser } from "./machine.ts";
import { program } from "./program.ts";

export class Users implements AsyncDisposable {
  #booting: Promise<Machine> | null = null;

  /** Another user of the same machine. */
  async next(): Promise<MachineUser> {
    this.#booting ??= boot();
    return await (await this.#booting).user();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#booting)?.[Symbol.asyncDispose]();
  }
}

/** Runs the downloaded program, not an installed copy, as this user. */
export async function mcpd(user: MachineUser, ...words: readonly string[]): Promise<Finished> {
  return await user.run([user.machine.shared.file("mcpd"), ...words]);
}

async function boot(): Promise<Machine> {
  const machine = await Machine.boot();
  copyFileSync(program(), machine.shared.file("mcpd"));
  chmodSync(machine.shared.file("mcpd"), 0o755);
  return machine;
}
