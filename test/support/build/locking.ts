/** Locks apps whose modules are not installed, as the tests of src/build/lock need it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readApp } from "../../../src/build/app/app.ts";
import type { Bun } from "../../../src/build/app/tools/find-bun.ts";
import {
  writeReleaseLock,
  type ReleaseLock,
  type ReleaseLockOptions,
} from "../../../src/build/lockfile/release-lockfile.ts";
import { parseTarget } from "../../../src/release/targets.ts";
import { BUN, copyFixture, makeDirectory, writeFiles, SCRATCH } from "./scratch.ts";

interface Locking {
  readonly externals: readonly string[];
  readonly optional?: readonly string[];
  readonly target?: string;
  readonly bun?: Bun;
  readonly registry?: string;
}

/** Locks an app whose modules are not installed: everything comes from its lockfile. */
export async function lock(dir: string, how: Locking): Promise<ReleaseLock & { directory: string }> {
  const app = await readApp(dir);
  const sources = {
    appDir: dir,
    root: app.workspaceRoot,
    entry: app.entry,
    kind: "in-place",
    dispose: () => {},
  } as const;
  const directory = makeDirectory();
  const options: ReleaseLockOptions = {
    app,
    sources,
    externals: how.externals.map((name) => ({ name, optional: how.optional?.includes(name) ?? false })),
    target: parseTarget(how.target ?? "linux-x64-gnu"),
    bun: how.bun ?? BUN,
    directory,
    environment: process.env,
    scratch: SCRATCH,
    registry: how.registry,
  };
  return { ...(await writeReleaseLock(options)), directory };
}

/** The notes app with one of its lockfiles. */
export function notes(directory: string, lockfile: string): string {
  const dir = copyFixture("locks", "notes");
  writeFiles(dir, { [lockfile]: readFileSync(join(dir, directory, lockfile), "utf8"), "src/main.ts": "" });
  return dir;
}

export const idsOf = (written: ReleaseLock): string[] =>
  written.closure.map((module) => `${module.path}@${module.version}`);
export const jsonOf = (written: { directory: string }): Record<string, unknown> =>
  JSON.parse(readFileSync(join(written.directory, "package.json"), "utf8")) as Record<string, unknown>;
