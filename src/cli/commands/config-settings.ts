import { provideConfig } from "../../config/provide.ts";
import { standing } from "../../config/store.ts";
import type { SettingsAnswer } from "../../control/supervision.ts";
import { hintOf, isFault } from "../../core/fault.ts";
import { systemClock } from "../../lib/clock.ts";
import { utcOffsetMs } from "../../lib/log-format.ts";
import { command } from "../command.ts";
import { openConfig } from "../config-file.ts";

export default command({
  meta: {
    name: "config settings",
    description:
      "Print the daemon's settings that are in force, and what is wrong with the file: for the " +
      "bootstrap, which stays small because it does not read configs itself.",
  },
  args: {},
  examples: [],
  async execute({ options, output }) {
    const { store, discovery } = openConfig(options.config);
    const missing = await provideConfig(store, discovery);
    const loaded = store.load();
    const inForce = isFault(loaded) ? store.lastGood : loaded;
    const { daemon } = inForce;
    const wrong = isFault(loaded) ? loaded : missing;
    const problem = wrong && {
      code: wrong.code,
      text: wrong.text,
      standing: standing(wrong, inForce),
      hint: hintOf(wrong),
    };
    const offsetMs = utcOffsetMs(systemClock.now());
    const answer: SettingsAnswer = { daemon, problem, utcOffsetMs: offsetMs };
    output.print(JSON.stringify(answer));
    return 0;
  },
});
