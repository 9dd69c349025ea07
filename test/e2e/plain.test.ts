/** Apps that bring no module of their own, or only plain JavaScript: their releases have nothing to make ready. */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findNpms } from "../../src/build/app/tools/find-npm.ts";
import { NODE } from "../../scripts/pins.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const BUN = join(root, "node_modules/bun/bin/bun.exe");

let work = "";
let bare = "";
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), "gantry-plain-"));
  chmodSync(work, 0o755);
  bare = join(work, "bin");
  mkdirSync(bare);
  for (const name of ["sh", "env", "uname", "cat", "rm"]) symlinkSync(join("/bin", name), join(bare, name));
  // The npm that fetches a Bun: it need not lie beside the Node that runs the tests.
  symlinkSync(findNpms(process.env)[0] ?? "npm", join(bare, "npm"));
});
afterAll(() => rmSync(work, { recursive: true }));

function makeApp(name: string, files: Readonly<Record<string, unknown>>): string {
  for (const [path, content] of Object.entries(files)) {
    const file = join(work, name, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
  }
  return join(work, name);
}

/** Nothing on the PATH but npm and what every system has: no Bun. */
function gantry(...args: string[]) {
  const command = [join(root, "dist/cli.js"), ...args];
  const env = { ...process.env, PATH: bare };
  return spawnSync(process.execPath, command, { cwd: work, encoding: "utf8", env });
}

/** Builds it, and gives the release's directory and what the build said. */
function build(app: string, ...bun: string[]): { readonly release: string; readonly said: string } {
  const { status, stdout, stderr } = gantry(
    "build",
    app,
    "--no-archive",
    "--no-smoke",
    "--out",
    `${app}-out`,
    ...bun,
  );
  if (status !== 0) throw new Error(stderr);
  return { release: stdout.split("\n")[0] ?? "", said: stderr };
}

const run = (command: string, args: readonly string[], user: object = {}) =>
  spawnSync(command, args, { cwd: work, encoding: "utf8", env: { PATH: "/usr/bin:/bin" }, ...user });
/** As a host starts it: no HOME, no runtime on the PATH. */
const start = (release: string, name: string, ...args: string[]) => run(join(release, name), args);
/** A user to whom the release is not his: modes alone keep nothing from root. */
const NOBODY = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};

const HELLO = 'console.log("hello", process.argv.slice(2).join(" "));\n';

describe.each([
  ["bun", {}, ["--bun", BUN]],
  // Such an app has no Bun: one is fetched.
  ["node", { node: NODE[24], entry: "src/index.js" }, []],
])("an app without any dependency, on %s", (runtime, settings, bun) => {
  let release = "";
  let said = "";
  beforeAll(() => {
    const json = { name: "plain", version: "1.0.0", type: "module", gantry: { runtime, ...settings } };
    ({ release, said } = build(makeApp(runtime, { "package.json": json, "src/index.js": HELLO }), ...bun));
  });

  it("is built without a lockfile, and starts where nothing can be written", () => {
    expect(said).not.toMatch(/lockfile|installing/);
    expect(said.includes("fetching Bun")).toBe(runtime === "node");
    const manifest = JSON.parse(readFileSync(join(release, "lib/release.json"), "utf8")) as object;
    expect(manifest).toMatchObject({ externals: [], modules: {}, native: [] });
    expect(existsSync(join(release, "vendor"))).toBe(false);
    chmodSync(release, 0o555);
    const hello = { status: 0, stdout: "hello a b\n", stderr: "" };
    expect(run(join(release, "plain"), ["a", "b"], NOBODY)).toMatchObject(hello);
    expect(existsSync(join(release, "node_modules"))).toBe(false);
    chmodSync(release, 0o755);
    expect(start(release, "plain", "a", "b")).toMatchObject(hello);
    expect(start(release, "plain", "a", "b")).toMatchObject(hello);
    for (const command of ["prepare", "verify", "doctor"])
      expect(start(release, "gantry", command)).toMatchObject({ status: 0 });
  });

  it("has nothing to bundle, and gantry bundle says so", () => {
    for (const target of ["linux-x64-gnu", "linux-arm64-musl"]) {
      const refused = gantry("bundle", release, ...bun, "--target", target, "--out", join(work, "usb"));
      expect(refused).toMatchObject({ status: 64, stdout: "" });
      expect(refused.stderr).toMatch(new RegExp(`USAGE: the release has no modules for ${target}`));
    }
  });
});

it("packages of plain JavaScript are compiled in, and nothing lies beside the binary", () => {
  const app = makeApp("pure", {
    "package.json": { name: "pure", version: "1.0.0", dependencies: { shout: "1.0.0" } },
    "package-lock.json": {
      name: "pure",
      version: "1.0.0",
      lockfileVersion: 3,
      packages: {
        "": { name: "pure", version: "1.0.0", dependencies: { shout: "1.0.0" } },
        "node_modules/shout": { version: "1.0.0", integrity: `sha512-${"A".repeat(86)}==` },
      },
    },
    "node_modules/shout/package.json": { name: "shout", version: "1.0.0", main: "index.js" },
    "node_modules/shout/index.js": "module.exports = (text) => text.toUpperCase();\n",
    "index.ts": 'import shout from "shout";\nconsole.log(shout("hello"));\n',
  });
  const { release } = build(app, "--bun", BUN);
  expect(start(release, "pure")).toMatchObject({ status: 0, stdout: "HELLO\n", stderr: "" });
});
