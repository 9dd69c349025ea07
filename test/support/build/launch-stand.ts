/** A release of a script and a program alone, for what a shell does with it before the program runs. */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, realpathSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { renderStubs } from "../../../src/build/release/stub.ts";
import type { Manifest } from "../../../src/release/manifest.ts";
import { targetOfHost } from "../../../src/release/targets.ts";

const host = targetOfHost(process.platform, process.arch, existsSync("/etc/alpine-release") ? "musl" : "gnu");
const file = { size: 1, sha256: "0".repeat(64) };
const MANIFEST: Manifest = {
  schema: 1,
  name: "app",
  version: "1.0.0",
  binary: "app",
  target: host.name,
  gantry: "0.1.0",
  runtime: { kind: "bun", version: "1.4.5" },
  executable: file,
  launcher: file,
  install: "first-run",
  externals: [],
  modules: {},
  native: [],
};

/**
 * @param program stands where the compiled app would
 * @param name of the release's directory
 */
export function makeStand(program: string, name = "release") {
  const root = join(realpathSync(mkdtempSync(join(tmpdir(), "gantry-launch-"))), name);
  mkdirSync(join(root, "lib"), { recursive: true });
  const base = { manifest: MANIFEST, base: "app-v1.0.0", releaseId: "0".repeat(16) };
  const scripts = renderStubs({ ...base, launcher: [], proven: [] });
  for (const [path, text] of Object.entries(scripts)) writeFileSync(join(root, path), text, { mode: 0o755 });
  copyFileSync(realpathSync(program), join(root, "lib/app"));
  return { root, scripts };
}
