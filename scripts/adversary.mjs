// node scripts/adversary.mjs [ROUNDS]: runs every attack that exchanges a path while it is used, with 200 rounds a
// path instead of the suites' 20.
import { ensureBuilt, runTool } from "./install.mjs";

const rounds = process.argv[2] ?? "200";
if (!/^[1-9]\d*$/.test(rounds) || process.getuid?.() !== 0) {
  console.error(
    "usage: node scripts/adversary.mjs [ROUNDS], as root, after npm run test:hosts has installed what it needs",
  );
  process.exit(64);
}
ensureBuilt();
// A round takes about 0.1 s for each path. The time limit of a test grows with the rounds.
const limit = Math.max(120_000, Number(rounds) * 1000);
const attacks = ["test/hosts/adversary", "test/hosts/sudo", "stub-race", "import-race"];
runTool("vitest", ["run", "--project", "hosts", "--project", "unit", ...attacks, `--testTimeout=${limit}`], {
  GANTRY_ADVERSARY_ROUNDS: rounds,
  GANTRY_TEST_REPORT: "adversary",
});
