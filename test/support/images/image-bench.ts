/** What the tests of images share: apps built from fixtures, `gantry docker`, and what builds and runs images of it. */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openContainers, type BuildOptions, type Containers, type Result } from "./containers.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const BUN = join(root, "node_modules/bun/bin/bun.exe");

/** As strange a user as OpenShift gives: any uid, group 0, no name. */
export const HARSH = [
  "--no-healthcheck",
  "--network",
  "none",
  "--read-only",
  "--user",
  "123456:0",
  "--cap-drop",
  "all",
];

export interface ImageBench {
  readonly work: string;
  readonly containers: Containers;
  /** The build side's command line; what it printed. */
  gantry(...args: readonly string[]): string;
  /** Builds a fixture into a directory of its own, from a copy that `change` may edit: the release's directory. */
  buildApp(name: string, fixture: string, change: (app: string) => void, ...flags: readonly string[]): string;
  /** An image of a release. */
  build(release: string, strategy: string, options: BuildOptions, ...flags: readonly string[]): Result;
  /**
   * One that must not come about: what was said. Under load buildah may end before it has passed on the last words of a
   * step that failed; then it is asked again.
   */
  refuse(release: string, strategy: string, options: BuildOptions, ...flags: readonly string[]): string;
  dispose(): void;
}

export function openImageBench(): ImageBench {
  const work = mkdtempSync(join(tmpdir(), "gantry-images-"));
  const containers = openContainers();
  const gantry: ImageBench["gantry"] = (...args) => {
    const cli = join(root, "dist/cli.js");
    return execFileSync(process.execPath, [cli, ...args], { cwd: work, encoding: "utf8", stdio: "pipe" });
  };
  const build: ImageBench["build"] = (release, strategy, options, ...flags) => {
    const context = mkdtempSync(join(work, "context-"));
    try {
      gantry("docker", release, "--strategy", strategy, "--out", context, ...flags);
      return containers.build(context, options);
    } finally {
      rmSync(context, { recursive: true, force: true });
    }
  };
  return {
    work,
    containers,
    gantry,
    buildApp: (name, fixture, change, ...flags) => {
      const app = join(work, `${name}-app`);
      cpSync(join(root, "test/fixtures", fixture), app, { recursive: true });
      change(app);
      const out = join(work, name);
      gantry("build", app, "--no-archive", "--no-smoke", "--out", out, "--bun", BUN, ...flags);
      const found = readdirSync(out).find((entry) => existsSync(join(out, entry, "lib/release.json")));
      return join(out, found ?? "none");
    },
    build,
    refuse: (...how) => {
      let said = "";
      for (let attempt = 0; attempt < 3 && !said.includes("gantry: "); attempt += 1) {
        const { code, stdout, stderr } = build(...how);
        if (code === 0) throw new Error(`${how[1]}: the image was built`);
        said = `${stdout}${stderr}`;
      }
      return said;
    },
    dispose: () => {
      containers.dispose();
      rmSync(work, { recursive: true, force: true });
    },
  };
}

export function edit(file: string, from: string, to: string): void {
  const text = readFileSync(file, "utf8");
  if (!text.includes(from)) throw new Error(`${file} does not say ${from}`);
  writeFileSync(file, text.replace(from, to));
}
