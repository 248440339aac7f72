import type { FromServer, ToServer } from "../control/supervision.ts";
import { reasonOf } from "../lib/files.ts";

export type ServerLaunch = {
  /** The program and its words. */
  readonly command: readonly string[];
  readonly environment: { readonly [name: string]: string | undefined };
  readonly heard: (message: FromServer) => void;
};

/** A server of our own that runs, spoken to over Bun's IPC. */
export interface ServerProcess {
  /** null when it could not be started. */
  readonly pid: number | null;
  /** How it ended, in words: "exit code 70", "killed by SIGKILL". Never rejects. */
  readonly ended: Promise<string>;
  send(message: ToServer): void;
  kill(): void;
}

/** What steers our runtime, or belongs to the service manager's talk with the bootstrap alone. */
const NOT_FOR_IT = /^(BUN_BE_BUN|BUN_OPTIONS|NODE_OPTIONS|NOTIFY_SOCKET|WATCHDOG_(USEC|PID))$/;

/**
 * Starts the server as our child. It ends with us: the runtime leaves no orphans where the system
 * helps, and the server leaves when the channel closes.
 */
export function startOwnServer({ command, environment, heard }: ServerLaunch): ServerProcess {
  const env = Object.fromEntries(
    Object.entries(environment).filter(([name]) => !NOT_FOR_IT.test(name)),
  );
  try {
    const child = Bun.spawn([...command], {
      env,
      stdio: ["ignore", "ignore", "inherit"],
      windowsHide: true,
      ipc: (message) => heard(message as FromServer),
    });
    return {
      pid: child.pid,
      ended: child.exited.then(() => endOf(child)),
      send(message) {
        try {
          child.send(message);
        } catch {
          // The channel is closed: it is ending, and its end is told.
        }
      },
      kill: () => child.kill("SIGKILL"),
    };
  } catch (error) {
    const ended = Promise.resolve(`it cannot be started: ${reasonOf(error)}`);
    return { pid: null, ended, send: () => undefined, kill: () => undefined };
  }
}

function endOf({ exitCode, signalCode }: Bun.Subprocess): string {
  return signalCode === null ? `exit code ${exitCode ?? "unknown"}` : `killed by ${signalCode}`;
}
