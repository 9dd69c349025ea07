/** Builds the sample app's release once for all end-to-end tests, through the same command that people run. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    /** The built release's directory, never prepared and never written to: tests copy it. */
    release: string;
    /** What the build printed. */
    buildLog: string;
    /** A directory for releases that are built when the first file asks for them. */
    sharedReleases: string;
  }
}

const root = fileURLToPath(new URL("../../..", import.meta.url));

export default function setup(project: TestProject): () => void {
  const work = mkdtempSync(join(tmpdir(), "gantry-e2e-"));
  const out = join(work, "out");
  const args = [join(root, "dist/cli.js"), "build", "test/fixtures/test-brain", "--no-smoke", "--out", out];
  const buildLog = execFileSync(process.execPath, args, { cwd: root, encoding: "utf8", stdio: "pipe" });
  const name = readdirSync(out).find((entry) => existsSync(join(out, entry, "brain")));
  if (name === undefined) throw new Error(`no release in ${out}`);
  project.provide("release", join(out, name));
  project.provide("buildLog", buildLog);
  const shared = join(work, "shared");
  mkdirSync(shared);
  project.provide("sharedReleases", shared);
  return () => rmSync(work, { recursive: true, force: true });
}
