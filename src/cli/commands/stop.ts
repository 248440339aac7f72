import { isAlive, readRuntime, terminate } from "../../control/runtime-file.ts";
import { fault, FaultError } from "../../core/fault.ts";
import { systemClock } from "../../lib/clock.ts";
import { formatDuration } from "../../lib/text.ts";
import { command } from "../command.ts";
import { openConfig } from "../config-file.ts";
import { ownBootstrap, switchDaemon, TIMEOUT, unsupervised } from "../daemon-switch.ts";
import { ANSWER_MS, askBootstrap, here } from "../here.ts";
import { untilGone } from "../supervised.ts";
import { timeoutMsOf } from "../values.ts";

type Stopped = { readonly stopped: boolean; readonly note: string };

export default command({
  meta: {
    name: "stop",
    description:
      "Switch the daemon off (daemon.enabled in the config) and wait until it has gone. " +
      "It stays off, also at the next login, until 'mcpd start'.",
  },
  args: TIMEOUT,
  examples: [{ line: "mcpd stop", text: "Stop it: what is in flight is answered first" }],
  async execute({ args, options, output }) {
    const timeoutMs = timeoutMsOf(args.timeout, "stop");
    const config = openConfig(options.config);
    const patienceMs = Math.min(timeoutMs, ANSWER_MS);
    const before = await askBootstrap("mcpd/bootstrap", patienceMs).catch(silent);
    const answers = before !== null && before !== "silent";
    if (answers) ownBootstrap(before, config);
    await switchDaemon(config, false);
    const { stopped, note } = await output.busy("Stopping mcpd", () =>
      answers ? end(timeoutMs) : endWithoutSocket(timeoutMs),
    );
    if (options.json) output.json({ stopped, note });
    else if (!options.quiet) output.print(note);
    return 0;
  },
});

/** A bootstrap that is there and does not answer: it hangs. */
function silent(error: unknown): "silent" {
  if (error instanceof FaultError && error.fault.code === "exchange.timed-out") return "silent";
  throw error;
}

async function end(timeoutMs: number): Promise<Stopped> {
  const status = await askBootstrap("mcpd/apply").catch(silent);
  if (status === "silent") return await endWithoutSocket(timeoutMs);
  const off = await untilGone((now) => now === null || now.server.state === "disabled", timeoutMs);
  if (!off) throw tooLate(timeoutMs);
  if (status?.service === true) return { stopped: true, note: "mcpd is stopped" };
  // Nobody would need it again but by 'mcpd start', which starts another.
  await askBootstrap("mcpd/stop");
  if (!(await untilGone((now) => now === null, timeoutMs))) throw tooLate(timeoutMs);
  return { stopped: true, note: "mcpd is stopped" };
}

/** Its socket is gone or dead: the runtime file may know the process, which has to prove itself. */
async function endWithoutSocket(timeoutMs: number): Promise<Stopped> {
  const { paths, processIdentity } = here();
  const runtime = readRuntime(paths.runtimeFile);
  if (runtime === null || !(await isAlive(runtime, processIdentity))) {
    const foreground = await unsupervised();
    if (foreground === null) return { stopped: false, note: "mcpd is not running" };
    const note = `mcpd is switched off, but runs in a terminal (pid ${foreground}): end it there`;
    return { stopped: false, note };
  }
  if (await terminate(runtime, processIdentity, systemClock, timeoutMs)) {
    return { stopped: true, note: "mcpd is stopped" };
  }
  process.kill(runtime.pid, "SIGKILL");
  return { stopped: true, note: `mcpd did not answer and was killed (pid ${runtime.pid})` };
}

function tooLate(timeoutMs: number): FaultError {
  const wait = formatDuration(timeoutMs);
  const text = `mcpd has not stopped within ${wait}: see 'mcpd status'`;
  return new FaultError(fault("exchange.timed-out", text));
}
