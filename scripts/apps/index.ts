/** `npm run apps`: the flags, one app after the other, the table, and the files that are made of the results. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { App } from "../../test/apps/app.ts";
import { APPS } from "../../test/apps/table.ts";
import { formatApps, formatRow } from "./page.ts";
import type { Result } from "./results.ts";
import { readResults, writeResults } from "./results.ts";
import { ensureToolchain } from "./toolchain.ts";
import { tryApp } from "./try.ts";

const USAGE = `npm run apps -- [NAME…] [--only GROUP] [--jobs N] [--keep]
  NAME…   the apps of these names; all without one
  --only  the apps of a group: server, generator, starter, module
  --jobs  how many at a time; 1
  --keep  leave the work directories, which hold the logs of init and build
Groups and names: test/apps. What is downloaded stays in $XDG_CACHE_HOME/gantry-apps.`;

function choose(names: readonly string[], only: string | undefined): readonly App[] {
  const unknown = names.find((name) => !APPS.some((app) => app.name === name));
  if (unknown !== undefined) throw new Error(`there is no app "${unknown}"`);
  return APPS.filter(
    ({ name, group }) =>
      (names.length === 0 || names.includes(name)) && (only === undefined || only === group),
  );
}

/** @returns the exit status: 0 when every app came through */
export async function runApps(root: string, argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      only: { type: "string" },
      jobs: { type: "string", default: "1" },
      keep: { type: "boolean" },
      help: { type: "boolean" },
    },
  });
  if (values.help === true) {
    console.log(USAGE);
    return 0;
  }
  const waiting = [...choose(positionals, values.only)];
  const toolchain = await ensureToolchain(root);
  const results: Result[] = [];
  const work = async () => {
    for (let app = waiting.shift(); app !== undefined; app = waiting.shift()) {
      const { name } = app;
      const log = (text: string) => console.log(`${name}: ${text}`);
      const result = await tryApp(app, toolchain, { log, keep: values.keep === true ? "all" : "nothing" });
      results.push(result);
      console.log(formatRow(app, result));
      // After each, so that an interrupted run keeps what it has.
      writeResults(
        root,
        [result],
        APPS.map((one) => one.name),
      );
      writeFileSync(join(root, "docs/APPS.md"), formatApps(APPS, readResults(root)));
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, Number(values.jobs)) }, work));
  console.log(`${results.filter(({ reached }) => reached === "offline").length} of ${results.length}`);
  return results.every(({ reached }) => reached === "offline") ? 0 : 1;
}
