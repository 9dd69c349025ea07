// The releases that the sweeps break: the smallest app there is with its bundle, and the sample app with its.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runPlainly } from "./inject.mjs";
import { readTree, reset } from "./sweep.mjs";

const repository = fileURLToPath(new URL("../../../", import.meta.url));

const APPS = {
  small: { directory: "test/fixtures/apps/checksum", binary: "checksum", args: ["gantry"] },
  sample: { directory: "test/fixtures/test-brain", binary: "brain", args: ["--version"] },
};

/**
 * Builds a release that needs no network, unless it is there already, and starts it once without any fault.
 * @param {keyof typeof APPS} name @param {string} work an existing directory
 * @returns {import("./sweep.mjs").Subject}
 */
export function makeSubject(name, work) {
  const { directory, binary, args } = APPS[name];
  const out = join(work, name);
  if (!existsSync(out)) {
    const flags = ["build", join(repository, directory), "--install", "vendor", "--out", out];
    execFileSync(process.execPath, [join(repository, "dist/cli.js"), ...flags], {
      stdio: ["ignore", "ignore", "pipe"],
    });
  }
  const release = readdirSync(out).find((entry) => existsSync(join(out, entry, binary)));
  if (release === undefined) throw new Error(`no release in ${out}`);
  const root = join(out, release);
  const cwd = join(work, "empty");
  mkdirSync(cwd, { recursive: true });
  const start = { argv: [join(root, binary), ...args], cwd, env: { PATH: "/usr/bin:/bin", HOME: cwd } };
  reset(root);
  const clean = runPlainly(start);
  if (clean.status !== 0) throw new Error(clean.stderr);
  const tree = readTree(root);
  reset(root);
  return { root, start, answer: clean.stdout, tree };
}
