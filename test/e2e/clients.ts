/** A home with the configs of all clients, for the tests that change them. */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

import type { Place, Where } from "../../src/clients/client.ts";
import { CLIENTS } from "../../src/clients/registry.ts";
import { FIXTURES } from "../clients/fixtures.ts";
import { Home } from "./harness.ts";

/** The clients that a test puts a config for. */
export const INSTALLED: readonly string[] = CLIENTS.map(({ id }) => id);

export class ClientHome extends Home {
  get where(): Where {
    const { name: system, user } = this.platform;
    return { system, home: user.home, environment: this.env, project: null };
  }

  place(id: string): Place {
    const place = CLIENTS.find((client) => client.id === id)?.places(this.where)[0];
    if (place === undefined) throw new Error(`There is no client ${id}`);
    return place;
  }

  /** The file of a client's user. */
  file(id: string): string {
    return this.place(id).paths[0] ?? "";
  }

  read(id: string): string {
    return readFileSync(this.file(id), "utf8");
  }

  write(id: string, text: string | Uint8Array): string {
    const path = this.file(id);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return path;
  }

  /** Puts the config of every client, as its documentation shows it. */
  install(): void {
    for (const id of INSTALLED) this.write(id, FIXTURES[id]?.text ?? "");
  }

  /** Every file of the home with its rights and bytes, without those of mcpd's own state. */
  contents(): { readonly [path: string]: string } {
    const { stateDir, configDir, cacheDir, keptDir, logsDir } = this.platform.paths;
    const own = [stateDir, configDir, cacheDir, keptDir, logsDir, join(this.path, "run")];
    const found: { [path: string]: string } = {};
    for (const entry of readdirSync(this.path, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (!entry.isFile() || own.some((directory) => path.startsWith(directory))) continue;
      const rights = (statSync(path).mode & 0o777).toString(8);
      found[relative(this.path, path)] = `${rights} ${readFileSync(path, "latin1")}`;
    }
    return found;
  }
}
