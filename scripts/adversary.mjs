// node scripts/adversary.mjs [ROUNDS]: the attacks of test/hosts/adversary with 200 rounds a place, where the suite has 20.
import { ensureBuilt, runTool } from "./install.mjs";

const rounds = process.argv[2] ?? "200";
if (!/^[1-9]\d*$/.test(rounds) || process.getuid?.() !== 0) {
  console.error(
    "usage: node scripts/adversary.mjs [ROUNDS], as root, after npm run test:hosts has installed what it needs",
  );
  process.exit(64);
}
ensureBuilt();
// A place takes about 0.1 s a round; the limit of a test grows with them.
const limit = Math.max(120_000, Number(rounds) * 1000);
runTool("vitest", ["run", "--project", "hosts", "test/hosts/adversary", `--testTimeout=${limit}`], {
  GANTRY_ADVERSARY_ROUNDS: rounds,
  GANTRY_TEST_REPORT: "adversary",
});
