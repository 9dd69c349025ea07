/** Install scripts: whose run, what a failing one leaves in the message, and that none outlives its time. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { policyOf, type PolicyFacts } from "../../../../src/build/tree/script-policy.ts";
import { runInstallScripts, warnOfUnrun } from "../../../../src/build/tree/scripts.ts";
import { parseTarget } from "../../../../src/release/targets.ts";
import { findingsOf, makeApp } from "../../../support/build/scratch.ts";

const warnings: string[] = [];
const log = {
  info: () => undefined,
  warn: (text: string) => void warnings.push(text),
};

const policy = (facts: Partial<PolicyFacts>) =>
  policyOf({
    manager: "npm",
    manifests: [],
    pnpmWorkspace: {},
    yarnrc: {},
    npmrc: "",
    bunDefaults: new Set(["sharp"]),
    ...facts,
  });
const trusting = (names: readonly string[]) =>
  policy({ manager: "bun", manifests: [{ trustedDependencies: names }] });

/** A package whose script looks for a native file and does what is asked. */
function install(command: string, how: { optional?: string[]; trusted?: string[]; limit?: number } = {}) {
  const modules = makeApp({
    "a/package.json": { name: "a", version: "1.0.0", scripts: { install: `${command} # node-gyp-build` } },
    "a/index.js": "",
  });
  const done = runInstallScripts({
    modules,
    closure: [{ path: "a", name: "a", version: "1.0.0", neededBy: ["a"] }],
    policy: trusting(how.trusted ?? ["a"]),
    optional: new Set(how.optional ?? []),
    place: parseTarget("linux-x64-gnu"),
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
    const [nothing] = await findingsOf(() => install("echo skipped the download").done);
    expect(nothing?.what).toMatch(/ended well and made no native file/);
    expect(nothing?.detail).toEqual(["skipped the download"]);
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

it("one that fetches a program, as esbuild's does, need not make a native module", async () => {
  const modules = makeApp({
    "a/package.json": { name: "a", version: "1.0.0", scripts: { postinstall: "node install.js" } },
    "a/install.js": `const name = process.platform + process.arch;
      const download = () => require("https").get("https://example.invalid/" + name);
      require("fs").writeFileSync("ran", name);`,
  });
  await runInstallScripts({
    modules,
    closure: [{ path: "a", name: "a", version: "1.0.0", neededBy: ["a"] }],
    policy: policy({}),
    optional: new Set(),
    place: parseTarget("linux-x64-gnu"),
    environment: process.env,
    log,
  });
  expect(existsSync(join(modules, "a/ran"))).toBe(true);
});

it("one that may not run is named, where the package lacks its native file", () => {
  const modules = makeApp({
    "a/package.json": { name: "a", version: "1.0.0", scripts: { install: "node-gyp rebuild" } },
    "b/package.json": { name: "b", version: "1.0.0", scripts: { install: "node-gyp rebuild" } },
    "b/build/Release/b.node": "",
    "c/package.json": { name: "c", version: "1.0.0", scripts: { postinstall: "echo thanks" } },
  });
  warnings.length = 0;
  const closure = ["a", "b", "c"].map((name) => ({ path: name, name, version: "1.0.0", neededBy: [name] }));
  warnOfUnrun({ modules, closure, policy: trusting([]), place: parseTarget("linux-x64-gnu"), log });
  expect(warnings).toEqual([
    'a 1.0.0: its install script "node-gyp rebuild" was not run; bun runs none for it: list it in "trustedDependencies" of package.json',
  ]);
});

describe("whose scripts run is decided as", () => {
  const cases: [name: string, facts: Partial<PolicyFacts>, run: string[]][] = [
    ["bun does by its own list", { manager: "bun" }, ["sharp"]],
    [
      "bun does by the app's list, which replaces its own",
      { manager: "bun", manifests: [{ trustedDependencies: ["a", 7] }] },
      ["a"],
    ],
    ["pnpm does, for none", { manager: "pnpm" }, []],
    [
      "pnpm does by its lists",
      {
        manager: "pnpm",
        manifests: [{ pnpm: { onlyBuiltDependencies: ["a"] } }],
        pnpmWorkspace: { allowBuilds: { b: true, sharp: false } },
      },
      ["a", "b"],
    ],
    [
      "pnpm does when all are allowed",
      { manager: "pnpm", pnpmWorkspace: { dangerouslyAllowAllBuilds: true, neverBuiltDependencies: ["a"] } },
      ["b", "sharp"],
    ],
    ["npm does, for all", {}, ["a", "b", "sharp"]],
    ["npm does by allowScripts", { manifests: [{ allowScripts: { a: false } }] }, ["b", "sharp"]],
    [
      "npm does with ignore-scripts",
      { npmrc: "ignore-scripts=true", manifests: [{ allowScripts: { b: true } }] },
      ["b"],
    ],
    ["yarn does, for all", { manager: "yarn" }, ["a", "b", "sharp"]],
    [
      "yarn does without scripts",
      {
        manager: "yarn",
        yarnrc: { enableScripts: false },
        manifests: [{ dependenciesMeta: { a: { built: true } } }],
      },
      ["a"],
    ],
  ];

  it.each(cases)("%s", (_, facts, run) => {
    const { allows } = policy(facts);
    expect(["a", "b", "sharp"].filter(allows)).toEqual(run);
  });
});
