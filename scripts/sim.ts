import { HISTORIES } from "../test/sim/history.ts";
// Runs the sharing simulation: `bun run sim` for fresh seeds, `bun run sim SEED` for one of them.
import { Keeping } from "../test/sim/keeping.ts";
import { Sharing } from "../test/sim/sharing.ts";

const RUNS = 2_000;

const given = Bun.argv[2];
const first = given === undefined ? Math.floor(Math.random() * 1e9) : Number(given);
const last = given === undefined ? first + RUNS - 1 : first;
if (!Number.isSafeInteger(first)) {
  console.error(`The seed must be a whole number: ${given}`);
  process.exit(2);
}
let requests = 0;
for (let seed = first; seed <= last; seed++) {
  const reports = HISTORIES.map((history) => new Sharing(seed).run(history));
  const keeping = new Keeping(seed);
  keeping.run(200);
  for (const report of reports) requests += report.requests;
  requests += keeping.counts.asked;
  const violations = [...reports, keeping].flatMap((one) => one.violations);
  if (violations.length === 0) continue;
  console.error(`Seed ${seed} breaks a promise; repeat it with: bun run sim ${seed}`);
  for (const violation of violations) console.error(`  ${violation}`);
  process.exit(1);
}
console.log(
  `${last - first + 1} runs from seed ${first}: ${requests} requests, every one answered once`,
);
