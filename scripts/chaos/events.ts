/** What goes wrong: each event happens, lasts, and is over when its promise resolves. */
import type { Random } from "../../test/sim/random.ts";
import type { Scene, UpstreamName } from "./scene.ts";

export type ChaosEvent = {
  readonly name: string;
  /** How often it is picked, relative to the others. */
  readonly weight: number;
  readonly happen: (scene: Scene, random: Random) => Promise<void>;
};

const LOCAL: readonly UpstreamName[] = ["near", "other"];
/** Less than a session may sleep, however often it happens. */
const HOURS_MAX = 11;

export const SERVER_KILLED = "kill -9 of the server";

const ALWAYS: readonly ChaosEvent[] = [
  {
    name: SERVER_KILLED,
    weight: 3,
    happen: (scene, random) => scene.keeper.killServer(random.below(400)),
  },
  {
    name: "kill -9 of an instance",
    weight: 4,
    async happen(scene, random) {
      const pid = await scene.pidOf(random.pick(LOCAL));
      if (pid !== null) signal(pid, "SIGKILL");
    },
  },
  {
    name: "an instance freezes",
    weight: 2,
    async happen(scene, random) {
      const pid = await scene.pidOf(random.pick(LOCAL));
      if (pid === null || !signal(pid, "SIGSTOP")) return;
      await Bun.sleep(200 + random.below(random.chance(0.3) ? 3_000 : 800));
      signal(pid, "SIGCONT");
    },
  },
  {
    name: "the network breaks connections",
    weight: 4,
    async happen(scene) {
      scene.tunnel.cut();
    },
  },
  {
    name: "the network is away",
    weight: 2,
    async happen(scene, random) {
      scene.tunnel.shut();
      await Bun.sleep(100 + random.below(1_000));
      scene.tunnel.open();
    },
  },
  {
    name: "kill -9 of the remote server",
    weight: 2,
    happen: (scene) => scene.far.restart(),
  },
  {
    name: "an upstream is replaced by the config",
    weight: 3,
    async happen(scene, random) {
      scene.writeConfig(random.below(1_000_000));
    },
  },
  {
    name: "the config is broken for a while",
    weight: 1,
    async happen(scene, random) {
      scene.breakConfig();
      await Bun.sleep(100 + random.below(500));
      scene.writeConfig(random.below(1_000_000));
    },
  },
];

/** The events that this machine allows. */
export function eventsFor(scene: Scene): readonly ChaosEvent[] {
  const { keeper, disk, clock } = scene;
  const { killBootstrap } = keeper;
  const events = [...ALWAYS];
  if (killBootstrap !== null) {
    events.push({
      name: "kill -9 of the bootstrap",
      weight: 2,
      happen: (_scene, random) => killBootstrap(random.below(400)),
    });
  }
  if (typeof disk !== "string") {
    events.push({
      name: "the disk is full",
      weight: 2,
      async happen(_scene, random) {
        disk.fill();
        await Bun.sleep(200 + random.below(1_000));
        // A daemon that starts on a full disk cannot write either.
        if (random.chance(0.5)) await keeper.killServer(random.below(200));
        disk.empty();
      },
    });
  }
  if (typeof clock !== "string") {
    events.push({
      name: "the time of day jumps",
      weight: 2,
      async happen(_scene, random) {
        clock.move((random.below(2 * HOURS_MAX * 3600) - HOURS_MAX * 3600) | 0);
      },
    });
  }
  return events;
}

/** Each event once, then as often as its weight says, in an order of chance. */
export class Bag {
  readonly #events: readonly ChaosEvent[];
  readonly #random: Random;
  #left: ChaosEvent[];

  constructor(events: readonly ChaosEvent[], random: Random) {
    this.#events = events;
    this.#random = random;
    this.#left = [...events];
  }

  next(): ChaosEvent {
    if (this.#left.length === 0) {
      this.#left = this.#events.flatMap((event) => Array<ChaosEvent>(event.weight).fill(event));
    }
    const [event] = this.#left.splice(this.#random.below(this.#left.length), 1);
    if (event === undefined) throw new Error("There are no events");
    return event;
  }
}

/** False when the process has ended by itself. */
function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch {
    return false;
  }
}
