/**
 * Real apps, compiled by the real Bun into the shape of a release, in a temporary directory. GANTRY_TEST_BUN names
 * another Bun to try the same tests with.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { compileApp, type CompileOptions, type CompileResult } from "../../../src/build/compile/compile.ts";
import { parseTarget } from "../../../src/release/targets.ts";
import { SCRATCH } from "./scratch.ts";

const REPOSITORY = fileURLToPath(new URL("../../../", import.meta.url));
export const BUN =
  process.env["GANTRY_TEST_BUN"] ?? realpathSync(join(REPOSITORY, "node_modules/bun/bin/bun.exe"));
export const BUN_VERSION = execFileSync(BUN, ["--version"], { encoding: "utf8" }).trim();
export const FIXTURE = join(REPOSITORY, "test/fixtures/compile");

export interface Output {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Workbench {
  readonly root: string;
  /** Writes files by relative path and returns the directory. */
  readonly write: (directory: string, files: Readonly<Record<string, string>>) => string;
  readonly compile: (
    options: Partial<CompileOptions> & { entry: string; outfile: string },
  ) => Promise<CompileResult>;
  readonly remove: () => void;
}

export function makeWorkbench(): Workbench {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "gantry-test-compile-")));
  return {
    root,
    write: (directory, files) => {
      for (const [path, text] of Object.entries(files)) {
        const file = join(root, directory, path);
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, text);
      }
      return join(root, directory);
    },
    compile: async (options) => {
      mkdirSync(dirname(options.outfile), { recursive: true });
      return await compileApp({
        bun: BUN,
        appDir: dirname(options.entry),
        root: dirname(options.entry),
        target: parseTarget("linux-x64-gnu"),
        externals: [],
        modulesRoot: root,
        settings: {},
        environment: process.env,
        scratch: SCRATCH,
        ...options,
      });
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** Runs a program with nothing in its environment but PATH, HOME and what is given. */
export function runProgram(
  file: string,
  args: readonly string[],
  options: { cwd: string; env?: Readonly<Record<string, string>> },
): Output {
  const env = { PATH: process.env["PATH"], HOME: process.env["HOME"], ...options.env };
  const { status, stdout, stderr } = spawnSync(file, args, { cwd: options.cwd, env, encoding: "utf8" });
  return { code: status, stdout, stderr };
}

/** Installs the fixture's dependencies with Bun and adds the hand-made packages. */
export function installFixture(appDir: string): void {
  cpSync(join(FIXTURE, "app"), appDir, { recursive: true });
  execFileSync(BUN, ["install", "--silent", "--ignore-scripts", "--backend=copyfile"], {
    cwd: appDir,
    stdio: "pipe",
  });
  cpSync(join(FIXTURE, "packages"), join(appDir, "node_modules"), { recursive: true });
}
