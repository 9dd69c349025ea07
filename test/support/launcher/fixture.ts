/**
 * A small real release to launch: an app compiled with the real Bun that answers the load probe, and a tree of real
 * native packages installed by the real package manager from a loopback registry. It stands apart from gantry's own
 * build on purpose, so that the launcher is tested against the contract and not against the build's idea of it.
 */
import { cpSync, linkSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { ERRORS, type ErrorCode } from "../../../src/base/errors.ts";
import { formatManifest, type Manifest } from "../../../src/release/manifest.ts";
import { readFileEntry } from "../../../src/release/tree.ts";
import { startRegistry, type Registry } from "../modules/registry.ts";
import { placeTree } from "./fixture-bundle.ts";
import { BINARY, copyParts, EXTERNALS, makeParts, shareParts, TARGET, type Parts } from "./fixture-parts.ts";
import { bareEnvironment, runProgram, type Run, type Watch } from "./run-program.ts";

export { bareEnvironment, runProgram, type Run } from "./run-program.ts";

interface MakeOptions {
  /** Externals that the app could start without. */
  readonly optional?: readonly string[];
  /** Changes the manifest before it is written. */
  readonly manifest?: (manifest: Manifest) => unknown;
  /** Puts the installed tree in place as well, without a stamp. */
  readonly tree?: "present";
  /** Puts the bundle where one comes with a release. */
  readonly bundle?: "vendored";
}

export interface Fixture {
  readonly directory: string;
  readonly registry: Registry;
  /** The compiled app and the launcher bundle, for whoever starts them without a release. */
  readonly executable: string;
  readonly launcher: string;
  /** The bundle of every release that is made here: a file of its own. */
  readonly bundle: string;
  /** Makes a release of its own in a new directory and returns its root. */
  readonly make: (options?: MakeOptions) => string;
  /** Runs a release's launcher under its own binary, in an empty directory. */
  readonly launch: (
    root: string,
    args: readonly string[],
    environment?: Readonly<Record<string, string>>,
    watch?: Watch,
  ) => Promise<Run>;
  readonly dispose: () => Promise<void>;
}

/** @param shared a directory for what all fixtures of this process have in common; else it is made for this one */
export async function makeFixture(shared?: string): Promise<Fixture> {
  const directory = mkdtempSync(join(tmpdir(), "gantry-launcher-"));
  const registry = await startRegistry();
  const parts =
    shared === undefined ? await makeParts(directory) : copyParts(await shareParts(shared), directory);
  const { executable, launcher } = parts;
  const empty = join(directory, "empty");
  mkdirSync(empty);
  let count = 0;
  return {
    directory,
    registry,
    executable,
    launcher,
    bundle: parts.bundle.path,
    make: (options = {}) => {
      count += 1;
      const root = join(directory, `release-${count}`);
      makeRelease(root, parts, options);
      return root;
    },
    launch: (root, args, environment, watch) =>
      runProgram(
        join(root, "lib", BINARY),
        [
          "--config=/dev/null",
          "--env-file=/dev/null",
          "--no-install",
          join(root, "lib/launcher.mjs"),
          ...args,
        ],
        { cwd: empty, environment: { ...bareEnvironment(), BUN_BE_BUN: "1", ...environment }, ...watch },
      ),
    dispose: async () => {
      await registry.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function makeRelease(root: string, parts: Parts, options: MakeOptions): void {
  const { executable, launcher, source, bundle } = parts;
  mkdirSync(join(root, "lib"), { recursive: true });
  linkSync(executable, join(root, "lib", BINARY));
  cpSync(launcher, join(root, "lib/launcher.mjs"));
  for (const name of ["package.json", "bun.lock"]) cpSync(join(source, name), join(root, name));
  const described = describeManifest(parts, options.optional ?? []);
  const manifest: Manifest = { ...described, bundle: bundle.entry };
  const written = (options.manifest?.(manifest) ?? manifest) as Manifest;
  writeFileSync(join(root, "lib/release.json"), formatManifest(written));
  if (options.tree === "present") placeTree(join(root, "node_modules"), source, described.modules);
  if (options.bundle === "vendored") {
    mkdirSync(join(root, "vendor"));
    cpSync(bundle.path, join(root, `vendor/${TARGET}.tar.zst`));
  }
  const digests = ["bun.lock", "lib/launcher.mjs", "lib/release.json", "package.json"].map(
    (name) => [readFileEntry(join(root, name))[1], name] as const,
  );
  // Hashing its 100 MB takes longer than everything else that is made here.
  digests.push([parts.facts.executable?.sha256 ?? "none", `lib/${BINARY}`]);
  writeFileSync(join(root, "SHA256SUMS"), digests.map(([digest, name]) => `${digest}  ${name}\n`).join(""));
}

function describeManifest({ facts }: Parts, optional: readonly string[]): Manifest {
  const externals = EXTERNALS.map(({ name, version }) => ({
    name,
    version,
    optional: optional.includes(name),
    reason: "it loads a native file",
    imports: [name],
  }));
  return { ...structuredClone(facts), externals };
}

/** The code is the first word, its exit status is the table's, there is a way out, and no stack trace. */
export function expectRefusal(run: Run, code: ErrorCode, message: RegExp): void {
  expect(run.stderr).toMatch(new RegExp(`^gantry: ${code}: `, "m"));
  expect(run.stderr).toMatch(message);
  expect(run.stderr).toMatch(/^ {2}fix {3}\S/m);
  expect(run.stderr).not.toMatch(/^\s+at /m);
  expect(run).toMatchObject({ code: ERRORS[code].exit, stdout: "" });
}
