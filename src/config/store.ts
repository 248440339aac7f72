import { statSync } from "node:fs";
import { dirname, join } from "node:path";

import { type Fault, fault, isFault } from "../core/fault.ts";
import type { ConfigWarning, Revision } from "../core/revision.ts";
import {
  ensurePrivateDir,
  linkTarget,
  readIfExists,
  reasonOf,
  writeFileAtomic,
} from "../lib/files.ts";
import { sha256 } from "../lib/hash.ts";
import { type Edit, editText } from "./edit.ts";
import { jsonSchema } from "./json-schema.ts";
import type { ProblemRow } from "./problem.ts";
import { type ConfigHost, defaultRevision, readConfig } from "./resolve.ts";
import { CONFIG_TEMPLATE, SCHEMA_FILE_NAME } from "./template.ts";

/** What others than the owner may do with a file, in its mode; Windows reports no such bits. */
const OTHERS_MASK = 0o077;

type StoreHost = ConfigHost & { readonly name: "linux" | "darwin" | "windows" };

/**
 * The config file of one daemon: reads it into numbered revisions, remembers the last good one and
 * edits it with comments kept. Nothing else touches the file.
 */
export class ConfigStore {
  readonly path: string;
  readonly #host: StoreHost;
  #lastGood: Revision | null = null;

  /** `host` is the Platform: user, paths and name are what a config depends on. */
  constructor(path: string, host: StoreHost) {
    this.path = path;
    this.#host = host;
  }

  /**
   * Reads the file now. An equal revision keeps its number, a different one gets the next. Faults:
   * "config.unreadable" when there is no file or no right to read it, "config.invalid" when it is
   * wrong; `lastGood` is then what to run with (MISSION A14).
   */
  load(): Revision | Fault {
    const text = this.#read();
    if (isFault(text)) return text;
    const revision = this.#resolve(text);
    if (isFault(revision)) return revision;
    const warnings = [...this.#rightsWarning(), ...revision.warnings, ...this.#keepCopy(text)];
    this.#lastGood = Object.freeze({ ...revision, warnings: Object.freeze(warnings) });
    return this.#lastGood;
  }

  /**
   * The revision to run with while the file is wrong: the last good one of this process, else of an
   * earlier one (a copy in the state directory), else the defaults.
   */
  get lastGood(): Revision {
    this.#lastGood ??= this.#readCopy() ?? defaultRevision(this.#host);
    return this.#lastGood;
  }

  /** sha256 of the file's text, or null when there is none: what `edit` may be bound to. */
  textHash(): string | null | Fault {
    const text = this.#read();
    if (!isFault(text)) return sha256(text);
    return text.data?.["missing"] === true ? null : text;
  }

  /**
   * Changes keys of the file and returns the revision it now is; comments, order and formatting of
   * the rest stay. A missing file is created first. Nothing is written when the result would not be
   * valid ("config.refused"; "config.invalid" when the file is wrong already), or when the file is
   * not `expectedHash` any more ("config.changed").
   */
  async edit(edits: readonly Edit[], expectedHash?: string): Promise<Revision | Fault> {
    const created = await this.createDefault();
    if (isFault(created)) return created;
    const before = this.#read();
    if (isFault(before)) return before;
    if (expectedHash !== undefined && sha256(before) !== expectedHash) {
      const words = `Cannot edit ${this.path}: somebody else changed it meanwhile`;
      return fault("config.changed", words, this.path);
    }
    const after = editText(before, edits);
    if (isFault(after)) return after;
    const checked = this.#resolve(after);
    if (isFault(checked)) return refusal(checked, this.#resolve(before));
    if (after === before) return this.load();
    const written = attempt(this.path, "write", () => this.#write(after));
    return isFault(written) ? written : this.load();
  }

  /**
   * Writes a commented default config (0600) and its JSON Schema for editors where there is no
   * config yet (MISSION A14). True when it wrote one; an existing file is never touched.
   */
  async createDefault(): Promise<boolean | Fault> {
    const existing = this.#read();
    if (!isFault(existing)) return false;
    if (existing.data?.["missing"] !== true) return existing;
    const schema = `${JSON.stringify(await jsonSchema(), null, 2)}\n`;
    return attempt(this.path, "create", () => {
      ensurePrivateDir(dirname(this.path));
      writeFileAtomic(join(dirname(this.path), SCHEMA_FILE_NAME), schema);
      this.#write(CONFIG_TEMPLATE);
      return true;
    });
  }

  #resolve(text: string): Revision | Fault {
    const last = this.#lastGood;
    const revision = readConfig(text, this.path, this.#host, (last?.number ?? 0) + 1);
    if (isFault(revision) || last === null || revision.hash !== last.hash) return revision;
    return { ...revision, number: last.number };
  }

  #read(): string | Fault {
    const text = attempt(this.path, "read", () => readIfExists(this.path));
    if (text !== null) return text;
    const words = `Cannot read the config ${this.path}: there is no such file`;
    return fault("config.unreadable", words, this.path, { missing: true });
  }

  /** Keeps a link a link: what it points to is replaced. */
  #write(text: string): void {
    writeFileAtomic(linkTarget(this.path), text);
  }

  #rightsWarning(): readonly ConfigWarning[] {
    if (this.#host.name === "windows") return [];
    const mode = statSync(this.path, { throwIfNoEntry: false })?.mode ?? 0;
    if ((mode & OTHERS_MASK) === 0) return [];
    return [
      wholeFile("rights", `Other users can read or write ${this.path}: run 'chmod 600' on it`),
    ];
  }

  get #copyPath(): string {
    const name = `config-last-good-${sha256(this.path).slice(0, 12)}.json`;
    return join(this.#host.paths.stateDir, name);
  }

  #keepCopy(text: string): readonly ConfigWarning[] {
    const kept = attempt(this.#copyPath, "write", () => {
      if (readIfExists(this.#copyPath) === text) return;
      ensurePrivateDir(this.#host.paths.stateDir);
      writeFileAtomic(this.#copyPath, text, { durable: false });
    });
    return isFault(kept)
      ? [wholeFile("copy", `No copy of the last good config is kept: ${kept.text}`)]
      : [];
  }

  #readCopy(): Revision | null {
    const text = attempt(this.#copyPath, "read", () => readIfExists(this.#copyPath));
    if (text === null || isFault(text)) return null;
    const revision = this.#resolve(text);
    return isFault(revision) ? null : revision;
  }
}

/**
 * Why a change is not made, given what it would lead to and what is there. Places are left out: the
 * text they are in has never been written.
 */
export function refusal(checked: Fault, before: Revision | Fault): Fault {
  if (isFault(before)) return before;
  const problems = (checked.data?.["problems"] ?? []) as readonly ProblemRow[];
  const [first] = problems;
  const text = `Cannot change ${checked.subject}: ${first?.text ?? checked.text}`;
  const rows = problems.map(({ line: _line, column: _column, ...problem }) => problem);
  return fault("config.refused", text, checked.subject, { path: first?.path, problems: rows });
}

/** What is wrong with the file and what is in force instead, in one line for a condition. */
export function standing(problem: Fault, inForce: Revision): string {
  const [first = problem.text] = problem.text.split("\n");
  const which = inForce.path === null ? "the defaults are" : "the last good config stays";
  return `${first}; ${which} in force`;
}

function wholeFile(about: ConfigWarning["about"], text: string): ConfigWarning {
  return { about, path: "", line: 0, column: 0, text };
}

/** Runs a file operation; the system's error becomes a fault that names the file. */
function attempt<T>(path: string, verb: "read" | "write" | "create", action: () => T): T | Fault {
  try {
    return action();
  } catch (error) {
    const code = verb === "read" ? "config.unreadable" : "file.failed";
    return fault(code, `Cannot ${verb} ${path}: ${reasonOf(error)}`, path);
  }
}
