/** gantry build as people run it: from a clone, from an npm package, on an app that is right and on ones that are not. */
import { execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { BUN, runCli, type Said } from "../support/app/cli.ts";
import { parseJson } from "../support/json-schema.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const sample = join(root, "test/fixtures/test-brain");
const bun = [BUN];

let work = "";
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), "gantry-build-"));
});
afterAll(() => rmSync(work, { recursive: true }));

const gantry = (...args: string[]): Said => runCli(work, args);

interface AppJson {
  gantry?: unknown;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  [key: string]: unknown;
}

/** An app that differs from the sample by its package.json. */
function makeApp(name: string, change: (json: AppJson) => void): string {
  const app = join(work, name);
  cpSync(sample, app, { recursive: true, filter: (path) => basename(path) !== "node_modules" });
  const json = JSON.parse(readFileSync(join(app, "package.json"), "utf8")) as AppJson;
  change(json);
  writeFileSync(join(app, "package.json"), JSON.stringify(json));
  return app;
}

const listing = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();

describe("gantry build", () => {
  it("gives the same bytes from another directory, and does not change the app's", () => {
    const app = join(work, "elsewhere/deep/app");
    cpSync(sample, app, { recursive: true });
    const before = listing(app);
    const built = gantry("build", app, "--no-smoke", "--out", "again", "--bun", bun[0] ?? "");
    expect(built).toMatchObject({ status: 0 });
    const [directory = "", archive = ""] = built.stdout.trim().split("\n");
    expect(directory).toBe(join(work, "again", basename(inject("release"))));
    expect(readFileSync(archive).equals(readFileSync(`${inject("release")}.tar.gz`))).toBe(true);
    expect(built.stderr).toMatch(
      /^left out +files +size\n(?: {2}.+ \d+ +\S+ [kM]?B\n)+ {2}saved +\d+ +\S+ MB$/m,
    );
    expect(listing(app)).toEqual(before);
    rmSync(join(work, "again"), { recursive: true });
  });

  it("fails when a required module does not load, and makes nothing", () => {
    const app = makeApp("required", (json) => {
      json["gantry"] = { binary: "brain", entry: "src/main.ts" };
      json.dependencies = { ...json.dependencies, ...json.optionalDependencies };
      delete json.optionalDependencies;
    });
    rmSync(join(app, "bun.lock"));
    const built = gantry("build", app, "--out", "none", "--bun", bun[0] ?? "");
    expect(built.status).toBe(69);
    expect(built.stderr).toContain("MODULE_UNAVAILABLE");
    expect(built.stderr).toContain("@matrix-org/matrix-sdk-crypto-nodejs");
    expect(existsSync(join(work, "none"))).toBe(false);
  });

  it("refuses to keep what no module has, and names the nearest file", () => {
    const app = makeApp("keeping", (json) => {
      json.gantry = {
        entry: "src/main.ts",
        optional: Object.keys(json.optionalDependencies ?? {}),
        keep: ["bcrypt/REDME.md"],
      };
    });
    const built = gantry("build", app, "--out", "never", "--bun", bun[0] ?? "");
    expect(built).toMatchObject({ status: 78, stdout: "" });
    expect(built.stderr).toMatch(
      /"gantry\.keep" names "bcrypt\/REDME\.md".*\n.*\n.*did you mean "bcrypt\/README\.md"/,
    );
    expect(existsSync(join(work, "never"))).toBe(false);
  });

  it.each([
    ["a mistyped setting", { entri: "src/main.ts" }, /"gantry\.entri".*did you mean "gantry\.entry"/],
    ["a missing entry", { entry: "src/nothing.ts" }, /src\/nothing\.ts/],
    ["an optional package that is none", { optional: ["bcrpyt"] }, /bcrypt/],
  ])("refuses %s with exit 78", (name, settings, message) => {
    const app = makeApp(name.replaceAll(" ", "-"), (json) => {
      json.gantry = settings;
    });
    const built = gantry("build", app, "--out", "never", "--bun", bun[0] ?? "");
    expect(built).toMatchObject({ status: 78, stdout: "" });
    expect(built.stderr).toMatch(message);
    expect(existsSync(join(work, "never"))).toBe(false);
  });

  it("refuses a lock that does not fit package.json", () => {
    const app = makeApp("out-of-step", (json) => {
      json.dependencies = { ...json.dependencies, ms: "2.1.3", nanoid: "5.0.0" };
    });
    const built = gantry("build", app, "--out", "never", "--bun", bun[0] ?? "");
    expect(built).toMatchObject({ status: 78 });
    expect(built.stderr).toMatch(/nanoid|bun\.lock/);
  });

  it.each([
    [["bulid"], 64, /use gantry build/],
    [["history"], 64, /comes with a later one/],
    [["build", "--ouut", "x"], 64, /use --out/],
    [["build", "a", "b"], 64, /one argument too many/],
    [["build", "--target"], 64, /--target needs a value/],
    [["build", "--target", "linux-x86"], 64, /linux-x64-gnu/],
    [["build", "nowhere"], 78, /nowhere/],
    [["build", "--bun", "/bin/true", sample], 78, /\/bin\/true/],
  ])("answers %j with exit %i", (args, status, message) => {
    const said = gantry(...args);
    expect(said).toMatchObject({ status, stdout: "" });
    expect(said.stderr).toMatch(message);
    expect(said.stderr).toMatch(/^ {2}fix {3}\S/m);
  });

  it("explains itself", () => {
    expect(gantry("--help")).toMatchObject({ status: 0, stderr: "" });
    expect(gantry("build", "--help").stdout).toContain("--target");
    expect(gantry("--version").stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe("gantry analyze", () => {
  it("finds exactly the modules of the sample, each with its reason", () => {
    const said = gantry("analyze", sample, "--json");
    expect(said.status).toBe(0);
    const { externals } = parseJson<{
      externals: { name: string; role: string; optional: boolean; reason: string }[];
    }>("analyze", said.stdout);
    expect(externals.map(({ name, role, optional }) => [name, role, optional])).toEqual([
      ["@matrix-org/matrix-sdk-crypto-nodejs", "external", true],
      ["bcrypt", "external", false],
      ["libsql", "external", false],
    ]);
    expect(externals.map(({ reason }) => reason)).toEqual([
      expect.stringMatching(/install script.*download-lib\.js/),
      expect.stringMatching(/prebuilds/),
      expect.stringMatching(/optionalDependencies/),
    ]);
    const table = gantry("analyze", sample);
    expect(table.stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
  });
});

describe("the npm package", () => {
  it("runs through npx in a project that installed it", () => {
    const packed = execFileSync("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", work], {
      cwd: root,
      encoding: "utf8",
    });
    const project = join(work, "project");
    mkdirSync(project);
    writeFileSync(join(project, "package.json"), '{"name":"project","private":true}');
    execFileSync("npm", ["install", "--silent", join(work, packed.trim().split("\n").at(-1) ?? "")], {
      cwd: project,
    });
    const version = execFileSync("npx", ["--no-install", "gantry", "--version"], {
      cwd: project,
      encoding: "utf8",
    });
    expect(version).toMatch(/^\d+\.\d+\.\d+\n$/);
    const script =
      'import { analyze, buildRelease, ERRORS } from "gantry"; console.log(typeof analyze, typeof buildRelease, ERRORS.USAGE.exit)';
    const said = execFileSync(process.execPath, ["--input-type=module", "-e", script], {
      cwd: project,
      encoding: "utf8",
    });
    expect(said).toBe("function function 64\n");
    const app = join(work, "packed-app");
    mkdirSync(app);
    writeFileSync(
      join(app, "package.json"),
      '{"name":"packed","version":"1.0.0","gantry":{"entry":"main.ts"}}',
    );
    writeFileSync(join(app, "main.ts"), 'console.log("packed");');
    const out = join(work, "packed-out");
    const args = ["--no-archive", "--no-smoke", "--out", out, "--bun", BUN];
    execFileSync("npx", ["--no-install", "gantry", "build", app, ...args], { cwd: project, stdio: "pipe" });
    const [name = ""] = readdirSync(out);
    expect(execFileSync(join(out, name, "packed"), { encoding: "utf8" })).toBe("packed\n");
    rmSync(out, { recursive: true });
  });

  it("runs through npx in a clone after npm ci", () => {
    const version = execFileSync("npx", ["--no-install", "gantry", "--version"], {
      cwd: root,
      encoding: "utf8",
    });
    expect(version).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
