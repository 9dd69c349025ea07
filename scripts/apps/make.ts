/** Makes an app of the table, or takes the one that an earlier run made. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { App, Manager } from "../../test/apps/app.ts";
import { run } from "./run.ts";
import type { Toolchain } from "./toolchain.ts";
import { cacheDirectory } from "./toolchain.ts";

/** As a person types it in a fresh checkout. */
const INSTALL: Record<Manager, string> = {
  npm: "npm install --no-audit --no-fund",
  pnpm: "pnpm install --no-frozen-lockfile",
  yarn: "yarn install --non-interactive",
  bun: "bun install",
};

/** The commands that make an app in an empty directory, each for `sh -c`. Pure. */
function planMaking({ made, manager, edits = [], directory = "." }: App): readonly string[] {
  switch (made.by) {
    case "files":
      return [...edits, INSTALL[manager]];
    case "package":
      // The package's tools for its own development are no part of the app, and some are published nowhere.
      return [
        `npm pack ${made.spec}`,
        "tar -xzf *.tgz --strip-components=1",
        "rm *.tgz",
        "npm pkg delete devDependencies",
        ...edits,
        INSTALL[manager],
      ];
    case "generator": {
      const command = ["npm exec --yes --", made.spec, ...made.arguments].join(" ");
      return [command, ...edits, `cd ${directory} && ${INSTALL[manager]}`];
    }
  }
}

function writeFiles(directory: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), text);
  }
}

/**
 * Makes the app in `directory`, with its dependencies installed.
 * @throws Error with what a command printed, when one fails
 */
export async function makeApp(app: App, directory: string, toolchain: Toolchain): Promise<void> {
  const steps = planMaking(app);
  const files = app.made.by === "files" ? app.made.files : {};
  const key = createHash("sha256")
    .update(JSON.stringify([steps, files]))
    .digest("hex")
    .slice(0, 16);
  const kept = join(cacheDirectory(), "made", `${app.name}-${key}`);
  const environment = toolchain.environment;
  if (!existsSync(kept)) {
    const scratch = `${kept}.${process.pid}`;
    rmSync(scratch, { recursive: true, force: true });
    mkdirSync(scratch, { recursive: true });
    writeFiles(scratch, files);
    for (const step of steps) {
      const made = await run(["sh", "-c", step], { cwd: scratch, environment, seconds: 1800 });
      if (made.status !== 0) throw new Error(`${step}: ${made.output.slice(-2000)}`);
    }
    for (const older of readdirSync(dirname(kept)))
      if (older.startsWith(`${app.name}-`) && join(dirname(kept), older) !== scratch)
        rmSync(join(dirname(kept), older), { recursive: true, force: true });
    renameSync(scratch, kept);
  }
  const copied = await run(["cp", "-a", kept, directory], { cwd: "/", environment, seconds: 300 });
  if (copied.status !== 0) throw new Error(copied.output);
}
