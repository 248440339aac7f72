import { lstatSync, mkdirSync, type Stats } from "node:fs";
import { userInfo } from "node:os";
import { dirname, isAbsolute, join, posix } from "node:path";

import { fault, FaultError } from "../core/fault.ts";
import { errorCode, readIfExists } from "../lib/files.ts";
import { sha256 } from "../lib/hash.ts";
import type { Environment, Paths, User } from "./platform.ts";

/** sun_path holds 104 bytes on macOS and 108 on Linux; a little room is kept. */
const SOCKET_PATH_BYTES_MAX = 100;
const OTHERS = 0o077;
/** Not TMPDIR: a service and a terminal often differ in that, and both must find the socket. */
const TEMPORARY = "/tmp";

/** Everything but the socket, whose place depends on what is on the disk. */
export type Trees = Omit<Paths, "controlAddress" | "bootstrapAddress">;

/** What is where in the trees, the same on every POSIX system. */
export function placesIn({
  programsDir,
  configDir,
  dataDir,
}: Pick<Trees, "programsDir" | "configDir" | "dataDir">) {
  return {
    program: posix.join(programsDir, "bin", "mcpd"),
    configFile: posix.join(configDir, "mcpd.config.json"),
    apiKeyFile: posix.join(configDir, "api-key"),
    templatesDir: posix.join(configDir, "templates"),
    runtimeFile: posix.join(dataDir, "runtime.json"),
    trialFile: posix.join(dataDir, "trial.json"),
    ledgerFile: posix.join(dataDir, "ledger.json"),
  };
}

/** The bootstrap's socket, in the directory of the server's. */
export function besideSocket(controlAddress: string): string {
  return join(dirname(controlAddress), "boot.sock");
}

export function posixUser(environment: Environment): User {
  const info = userInfo();
  const named = environment["HOME"] ?? "";
  // Of a HOME that is relative, the runtime makes no better one.
  const home = isAbsolute(named) ? named : info.homedir;
  if (!isAbsolute(home)) {
    const text = `Cannot use the home directory "${home}": HOME has to be an absolute path`;
    throw new FaultError(fault("file.failed", text, home));
  }
  return {
    /** Looked up when wanted: Bun's userInfo() only repeats what the environment says. */
    get name() {
      return userName(info.uid);
    },
    home,
    elevated: info.uid === 0,
  };
}

/**
 * The control socket: in the first runtime directory that is ours, else in the state directory;
 * where that path is too long for a socket, in a private directory under the temporary one.
 */
export function socketAddress(runtimeDirs: readonly string[], stateDir: string): string {
  const uid = userInfo().uid;
  const roots = runtimeDirs.filter((directory) => isOurDir(directory, uid));
  for (const address of [
    ...roots.map((root) => join(root, "mcpd", "mcpd.sock")),
    join(stateDir, "mcpd.sock"),
  ]) {
    if (Buffer.byteLength(address) <= SOCKET_PATH_BYTES_MAX) return address;
  }
  return temporaryAddress(stateDir, uid);
}

/** Signals the group that `pid` leads. A group that is gone is no error. */
export function signalGroup(pid: number, signal: "terminate" | "kill"): void {
  try {
    process.kill(-pid, signal === "terminate" ? "SIGTERM" : "SIGKILL");
  } catch (error) {
    if (!GONE.has(errorCode(error))) throw error;
  }
}

/** True while the system knows the group, zombies included. */
export function groupExists(pid: number): boolean {
  try {
    process.kill(-pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** From the user database, so that it is the same name in a terminal, a service and under sudo. */
function userName(uid: number): string {
  const local = readIfExists("/etc/passwd") ?? "";
  for (const line of local.split("\n")) {
    const [name, , id] = line.split(":");
    if (name !== undefined && id === String(uid)) return name;
  }
  const tool = Bun.spawnSync(["/usr/bin/id", "-un"], { stderr: "ignore" });
  const name = tool.success ? tool.stdout.toString().trim() : "";
  return name === "" ? String(uid) : name;
}

/** EPERM: macOS says so of a group in which only zombies are left. */
const GONE: ReadonlySet<string> = new Set(["ESRCH", "EPERM"]);

function isOurDir(path: string, uid: number): boolean {
  if (!isAbsolute(path)) return false;
  const stats = lstatSync(path, { throwIfNoEntry: false });
  return stats !== undefined && stats.isDirectory() && stats.uid === uid;
}

/** Anyone may write to the temporary directory, so what is found there must prove to be ours. */
function temporaryAddress(stateDir: string, uid: number): string {
  const directory = join(TEMPORARY, `mcpd-${uid}-${sha256(stateDir).slice(0, 8)}`);
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    if (errorCode(error) !== "EEXIST") throw error;
  }
  const stats: Stats = lstatSync(directory);
  if (!stats.isDirectory() || stats.uid !== uid || (stats.mode & OTHERS) !== 0) {
    const text = `Cannot use ${directory} for the control socket: it is not private to this user`;
    throw new FaultError(fault("file.failed", text, directory));
  }
  return join(directory, "mcpd.sock");
}
