/**
 * A release that its user cannot write, with nothing but ordinary directories: the modules go to the user's own cache,
 * are found again, and are shared. Run by root, the tests start it as another user; otherwise its modes protect it.
 */
import { chmodSync, chownSync, copyFileSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runBrain } from "../support/app/brain-client.ts";
import { outsideTemporary } from "../support/build/outside-temporary.ts";
import { copyRelease, makeScratch, type Scratch } from "../support/app/release.ts";
import { parseJson } from "../support/json-schema.ts";

const ROOT = process.getuid?.() === 0;
const USER = 65534;
const AS_USER = ["/usr/bin/setpriv", `--reuid=${USER}`, `--regid=${USER}`, "--clear-groups"];

let scratch: Scratch;
let home = "";
let env: Record<string, string> = {};
beforeAll(() => {
  scratch = makeScratch();
  // No store may lie where temporary files do.
  home = mkdtempSync(join(ROOT ? "/var/cache" : outsideTemporary(), "gantry-e2e-"));
  env = { ...scratch.env, HOME: home };
  if (!ROOT) return;
  for (const directory of [scratch.directory, scratch.empty]) chmodSync(directory, 0o755);
  chownSync(home, USER, USER);
  const certificates = process.env["NODE_EXTRA_CA_CERTS"];
  if (certificates === undefined) return;
  const copy = join(scratch.directory, "ca.pem");
  copyFileSync(certificates, copy);
  chmodSync(copy, 0o644);
  env = { ...env, NODE_EXTRA_CA_CERTS: copy };
});
afterAll(() => {
  for (const name of readdirSync(scratch.directory)) {
    if (name.startsWith("release-")) chmodSync(join(scratch.directory, name), 0o755);
  }
  rmSync(home, { recursive: true, force: true });
  scratch.dispose();
});

const makeReadOnly = (name: string): string => {
  const release = copyRelease(scratch.directory, name);
  chmodSync(release, 0o555);
  return release;
};
const run = (release: string, command: readonly string[], extra: Readonly<Record<string, string>> = {}) =>
  runBrain([...(ROOT ? AS_USER : []), join(release, command[0] ?? ""), ...command.slice(1)], {
    cwd: scratch.empty,
    env: { ...env, ...extra },
  });
const trees = () => readdirSync(join(home, ".cache/gantry")).filter((name) => /^[0-9a-f]{32}$/.test(name));
const OFFLINE = { GANTRY_OFFLINE: "1" };

describe("a release that its user cannot write", () => {
  it("keeps its modules in the user's cache, starts silently, and shares them", async () => {
    const first = makeReadOnly("release-1");
    const start = await run(first, ["brain", "--version"]);
    expect(start).toMatchObject({ code: 0, stdout: "test-brain 0.1.0\n" });
    expect(start.stderr).toContain("the modules are ready");
    expect(await run(first, ["brain", "--version"], OFFLINE)).toMatchObject({ code: 0, stderr: "" });
    expect(readdirSync(first)).not.toContain("node_modules");
    expect(trees()).toHaveLength(1);

    const second = makeReadOnly("release-2");
    expect(await run(second, ["brain", "--version"], OFFLINE)).toMatchObject({ code: 0, stderr: "" });
    expect(trees()).toHaveLength(1);
  });

  it("is told by doctor where they are, and why not beside it", async () => {
    const { code, stdout } = await run(join(scratch.directory, "release-1"), ["gantry", "doctor", "--json"]);
    expect(code).toBe(0);
    const { place, plan } = parseJson<{
      place: { modules: string; passed: string[] };
      plan: { state: string };
    }>("doctor", stdout);
    expect(place.modules).toBe(join(home, ".cache/gantry", trees()[0] ?? "", "node_modules"));
    expect(place.passed).toEqual([expect.stringMatching(/^beside the release, .*EACCES/)]);
    expect(plan.state).toBe("ready");
  });

  it("loses them to ./gantry clean only when no release uses them", async () => {
    const release = join(scratch.directory, "release-1");
    expect((await run(release, ["gantry", "clean"])).stdout).toMatch(/^kept .*: used by /m);
    expect(trees()).toHaveLength(1);
    chmodSync(release, 0o755);
    rmSync(release, { recursive: true });
    const second = join(scratch.directory, "release-2");
    // The copy started from the same tree, without a word: it is known all the same.
    expect((await run(second, ["gantry", "clean"])).stdout).toMatch(/^kept .*release-2$/m);
    expect(trees()).toHaveLength(1);
  });
});
