// npm test: types, lint, format, dead exports, then the unit and end-to-end tests on a fresh build of gantry.
// node scripts/test.mjs --whole runs the wide tables completely. npm test runs a part of each.
import { ensureBuilt, runTool, runToolsTogether, tellCpuTime } from "./install.mjs";

tellCpuTime("npm test");
ensureBuilt();
await runToolsTogether([
  ["tsc", "--noEmit"],
  ["oxlint", "--deny-warnings"],
  ["oxfmt", "--check", "."],
  ["knip"],
]);
runTool("vitest", ["run", "--project", "unit", "--project", "e2e"], {
  GANTRY_TEST_REPORT: "test",
  ...(process.argv.includes("--whole") ? { GANTRY_TEST_WHOLE: "1" } : {}),
});
