import type { Condition, Conditions } from "../core/condition.ts";
import { isFault } from "../core/fault.ts";
import type { DaemonSettings } from "../core/revision.ts";
import type { Clock } from "../lib/clock.ts";
import { Gate, type GateSettings } from "./gate.ts";
import { ApiKey, loadKey } from "./key.ts";

/**
 * The gate as the config wants it, with a condition for everything about it that a careful person
 * would want to know. A key that cannot be read lets nobody in, rather than everybody.
 */
export class Security {
  readonly gate: Gate;
  readonly #environment: { readonly [name: string]: string | undefined };
  readonly #conditions: Conditions;
  readonly #clock: Clock;

  constructor(options: {
    readonly daemon: DaemonSettings;
    readonly environment: { readonly [name: string]: string | undefined };
    readonly conditions: Conditions;
    readonly clock: Clock;
  }) {
    this.#environment = options.environment;
    this.#conditions = options.conditions;
    this.#clock = options.clock;
    this.gate = new Gate(this.#settings(options.daemon));
  }

  /** Applies a new revision to every request from now on. */
  update(daemon: DaemonSettings): void {
    this.gate.update(this.#settings(daemon));
  }

  #settings(daemon: DaemonSettings): GateSettings {
    const { host, cors, auth } = daemon;
    this.#conditions.clearName("gate.open");
    this.#conditions.clear("gate.key");
    if (auth === "api_key") return { host, cors, key: this.#key(daemon) };
    const pages = cors.allowedOrigins.join(", ");
    if (pages === "") {
      this.#raise({
        name: "gate.open",
        text: "Requests need no API key: every program on this machine can use your servers",
        hint: 'Set daemon.auth to "api_key".',
      });
    } else {
      this.#raise({
        name: "gate.open",
        // Named, because it is not the daemon that fails to do its work.
        subject: "daemon.cors.allowed_origins",
        severity: "error",
        text: `Requests need no API key, and web pages are let in: those of ${pages} can use your servers`,
        hint: 'Set daemon.auth to "api_key", or empty daemon.cors.allowed_origins.',
      });
    }
    return { host, cors, key: null };
  }

  #key({ apiKeyEnv, apiKeyFile }: DaemonSettings): ApiKey {
    const found = loadKey({ env: this.#environment[apiKeyEnv], file: apiKeyFile });
    if (isFault(found)) {
      this.#conditions.report(found, this.#clock.now(), { name: "gate.key" });
      // A key nobody can know.
      return new ApiKey(crypto.randomUUID() + crypto.randomUUID());
    }
    if (found.wasExposed) {
      this.#raise({
        name: "gate.key",
        text: `Others could read the API key file ${apiKeyFile}; its rights are repaired`,
        hint: "Delete the file to get a new key, then give it to your clients.",
      });
    }
    return found.key;
  }

  /** By default a warning about the daemon itself. */
  #raise(about: Pick<Condition, "name" | "text" | "hint"> & Partial<Condition>): void {
    const sinceMs = this.#clock.now();
    this.#conditions.raise({ subject: "", severity: "warning", sinceMs, ...about });
  }
}
