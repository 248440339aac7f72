/**
 * `bun run truth [SEED]`: official clients with different answers on one legacy process behind the
 * compiled program, at random: does each get its own questions, answers, progress, logs and news,
 * and nobody else's?
 */
import { Daemon } from "../test/e2e/harness.ts";
import { fixture } from "../test/helpers/program.ts";
import { waitFor } from "../test/helpers/wait.ts";
import { Random } from "../test/sim/random.ts";
import { Ledger, Witness } from "./truth/witness.ts";

const CLIENTS = [2, 4, 8, 16];
const CALLS_PER_ROUND = 2_500;
/** How many calls a client has in flight. */
const HANDS = 3;

const seed = Bun.argv[2] === undefined ? Math.floor(Math.random() * 1e9) : Number(Bun.argv[2]);
if (!Number.isSafeInteger(seed)) {
  console.error(`The seed must be a whole number: ${Bun.argv[2]}`);
  process.exit(2);
}
console.log(`seed ${seed}`);
let failed = false;
for (const clients of CLIENTS) {
  const ledger = await round(clients, new Random(seed + clients));
  const { counts, wrong } = ledger;
  const parts = Object.entries(counts).map(([what, count]) => `${count} ${what}`);
  console.log(`${clients} clients: ${parts.join(", ")}; ${wrong.length} wrong or lost`);
  for (const line of wrong.slice(0, 10)) console.log(`  ${line}`);
  failed ||= wrong.length > 0;
}
process.exit(failed ? 1 : 0);

async function round(clients: number, random: Random): Promise<Ledger> {
  const asker = { ...fixture("asker.ts"), scope: "user" };
  await using daemon = await Daemon.start({ mcpServers: { asker } });
  const ledger = new Ledger();
  const names = Array.from({ length: clients }, (_, index) => `c${index}`);
  const witnesses = await Promise.all(
    names.map((name) => Witness.connect(daemon, name, names, ledger, random)),
  );
  let left = CALLS_PER_ROUND;
  const hand = async (witness: Witness): Promise<void> => {
    while (left-- > 0) await witness.act();
  };
  await Promise.all(
    witnesses.flatMap((witness) => Array.from({ length: HANDS }, () => hand(witness))),
  );
  await waitFor("the last news", () => witnesses.every((witness) => witness.upToDate)).catch(() =>
    ledger.fail("news are missing"),
  );
  const [first] = witnesses;
  const leftovers = async (): Promise<boolean> => (await first?.leftovers()) === 0;
  await waitFor("the last cancellation", leftovers).catch(() =>
    ledger.fail("a cancellation did not arrive"),
  );
  for (const witness of witnesses) await witness.end();
  return ledger;
}
