import { FAULTS } from "../core/fault.ts";

/** One exit code, what it says, and the faults that end in it. */
export type ExitCode = {
  readonly code: number;
  readonly meaning: string;
  readonly faults: readonly string[];
};

const MEANINGS: { readonly [code: number]: string } = {
  0: "Done",
  1: "It ran, and the answer is no: a tool error, an unhealthy daemon",
  2: "The command line is wrong",
  64: "The request is wrong",
  65: "The data is wrong",
  66: "No such upstream, tool, prompt or resource",
  69: "The daemon or the upstream is not there",
  70: "Internal error: please report it",
  73: "A file cannot be created",
  74: "A file cannot be read or written",
  75: "Not now: trying again later may work",
  76: "The upstream broke the protocol",
  77: "Not allowed",
  78: "The config is wrong",
  124: "It took too long",
  130: "Interrupted",
};

/** Every exit code there is, from the fault table. */
export function exitCodes(): readonly ExitCode[] {
  const faults = Object.entries(FAULTS).map(([name, { exit }]) => ({ name, exit }));
  const codes = new Set([0, 1, ...faults.map(({ exit }) => exit)]);
  return [...codes]
    .sort((a, b) => a - b)
    .map((code) => ({
      code,
      meaning: MEANINGS[code] ?? "",
      faults: faults.filter(({ exit }) => exit === code).map(({ name }) => name),
    }));
}
