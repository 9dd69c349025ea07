// npm test: types, lint, format, dead exports, then the unit and end-to-end tests on a fresh build of gantry.
import { ensureBuilt, runTool } from "./install.mjs";

ensureBuilt();
runTool("tsc", ["--noEmit"]);
runTool("oxlint", ["--deny-warnings"]);
runTool("oxfmt", ["--check", "."]);
runTool("knip", []);
runTool("vitest", ["run", "--project", "unit", "--project", "e2e"], { GANTRY_TEST_REPORT: "test" });
