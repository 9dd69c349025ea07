// npm run apps: takes the public apps of test/apps through `gantry init --yes` and `gantry build`, with nothing else
// written by hand, and starts what came out. `npm run apps -- --help` says what can be chosen.
import { ensureBuilt, root } from "./install.mjs";
import { importTypeScript } from "./typescript.mjs";

ensureBuilt();
const { runApps } = await importTypeScript("scripts/apps/index.ts");
process.exitCode = await runApps(root, process.argv.slice(2));
