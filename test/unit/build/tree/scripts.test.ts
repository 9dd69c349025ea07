/** Install scripts: whose run, what a failing one leaves in the message, and that none outlives its time. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { readTrustedScripts, runInstallScripts } from "../../../../src/build/tree/scripts.ts";
import { parseTarget } from "../../../../src/release/targets.ts";
import { findingsOf, makeApp } from "../../../support/build/scratch.ts";

const warnings: string[] = [];
const log = {
  info: () => undefined,
  warn: (text: string) => void warnings.push(text),
};

/** A package whose script looks for a native file and does what is asked. */
function install(command: string, how: { optional?: string[]; trusted?: string[]; limit?: number } = {}) {
  const modules = makeApp({
    "a/package.json": { name: "a", version: "1.0.0", scripts: { install: `${command} # node-gyp-build` } },
    "a/index.js": "",
  });
  const done = runInstallScripts({
    modules,
    closure: [{ path: "a", name: "a", version: "1.0.0", neededBy: ["a"] }],
    trusted: new Set(how.trusted ?? ["a"]),
    optional: new Set(how.optional ?? []),
    target: parseTarget("linux-x64-gnu"),
    environment: process.env,
    log,
    limit: how.limit,
  });
  return { modules, done };
}

describe("an install script", () => {
  it("runs in its package's directory, when it is trusted", async () => {
    const trusted = install("pwd > a.node");
    await trusted.done;
    expect(readFileSync(join(trusted.modules, "a/a.node"), "utf8")).toBe(`${trusted.modules}/a\n`);
    const other = install("pwd > a.node", { trusted: ["b"] });
    await other.done;
    expect(existsSync(join(other.modules, "a/a.node"))).toBe(false);
  });

  it("that fails is quoted, and only warned of where the app starts without it", async () => {
    const [finding] = await findingsOf(() => install("echo no compiler >&2; exit 3").done);
    expect(finding).toMatchObject({
      code: "MODULE_UNAVAILABLE",
      what: expect.stringMatching(/^a 1\.0\.0: its install script .* failed \(exit 3\)$/),
      where: "node_modules/a",
      detail: ["no compiler"],
    });
    warnings.length = 0;
    await install("exit 3", { optional: ["a"] }).done;
    expect(warnings).toEqual([expect.stringContaining("failed (exit 3)")]);
  });

  it("that makes no native file for the target has failed, whatever it says", async () => {
    const [nothing] = await findingsOf(() => install("true").done);
    expect(nothing?.what).toMatch(/ended well and made no native file/);
    const foreign = "mkdir -p prebuilds/darwin-arm64; echo > prebuilds/darwin-arm64/a.node";
    const [other] = await findingsOf(() => install(foreign).done);
    expect(other?.what).toMatch(/ended well and made no native file/);
  });

  it("ends at its limit, with what it started", async () => {
    const { modules, done } = install("sleep 1000 & echo $! > pid; wait", { limit: 3000 });
    const [finding] = await findingsOf(() => done);
    expect(finding?.what).toMatch(/did not end within 3 s/);
    const pid = readFileSync(join(modules, "a/pid"), "utf8").trim();
    // Killed it is by now; who reaps an orphan, and when, is another's business.
    const state = (): string | undefined => {
      try {
        return readFileSync(`/proc/${pid}/stat`, "utf8").split(" ")[2];
      } catch {
        return "gone";
      }
    };
    await vi.waitFor(() => expect(["gone", "Z"]).toContain(state()), { timeout: 20_000 });
  });
});

it("trust is what bun, pnpm and npm call so, in the app and its workspace", () => {
  const root = makeApp({
    "package.json": { pnpm: { onlyBuiltDependencies: ["b"] }, allowScripts: { c: true, d: false } },
    "app/package.json": { trustedDependencies: ["a", 7] },
  });
  const trusted = readTrustedScripts({ dir: join(root, "app"), workspaceRoot: root });
  expect([...trusted].toSorted()).toEqual(["a", "b", "c"]);
});
