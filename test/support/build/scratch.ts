/** Temporary apps for the build side's tests: real files in a directory of their own, removed after each test. */
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createScratch } from "../../../src/build/scratch.ts";
import { GantryError, type Finding } from "../../../src/base/errors.ts";
import { removeAfterTest } from "../removal.ts";

const REPOSITORY = join(import.meta.dirname, "..", "..", "..");
export const FIXTURES = join(REPOSITORY, "test", "fixtures");
export const BUN_PATH = join(REPOSITORY, "node_modules", "bun", "bin", "bun.exe");
/** The development dependency's version, as package.json pins it. */
export const BUN = { path: BUN_PATH, version: "1.4.5", revision: "1.4.5" } as const;

/** Owns the private directories of what is tested. */
export const SCRATCH = createScratch();

/** A new empty directory. */
export function makeDirectory(): string {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), "gantry-test-")));
  removeAfterTest(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Writes files, given by relative path; objects become JSON. */
export function writeFiles(directory: string, files: Readonly<Record<string, unknown>>): void {
  for (const [path, content] of Object.entries(files)) {
    const file = join(directory, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, typeof content === "string" ? content : `${JSON.stringify(content, null, 2)}\n`);
  }
}

/** A directory with these files. */
export function makeApp(files: Readonly<Record<string, unknown>>): string {
  const directory = makeDirectory();
  writeFiles(directory, files);
  return directory;
}

/** A copy of a fixture, without anything installed in it. */
export function copyFixture(...path: string[]): string {
  const directory = makeDirectory();
  const from = join(FIXTURES, ...path);
  cpSync(from, directory, { recursive: true, filter: (source) => !source.endsWith("/node_modules") });
  return directory;
}

/** The findings that an operation fails with. */
export async function findingsOf(operation: () => unknown): Promise<readonly Finding[]> {
  try {
    await operation();
  } catch (error) {
    if (error instanceof GantryError) return error.findings;
    throw error;
  }
  throw new Error("it was expected to fail");
}
