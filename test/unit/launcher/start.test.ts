/** What a start does with each tree it may find, and what it leaves on the disk. */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { NOTES } from "../../../src/release/start/stamp.ts";
import { readTreeEntry } from "../../../src/release/tree.ts";
import { bareEnvironment, runProgram, type Run } from "../../support/launcher/fixture.ts";
import { readTree } from "../../support/launcher/fixture-bundle.ts";
import { resum } from "../../support/launcher/resum.ts";
import { useFixture } from "../../support/launcher/use-fixture.ts";

const fixture = useFixture();
let root = "";

const OFFLINE = { GANTRY_OFFLINE: "1" };
const QUIET = { code: 0, signal: null, stdout: "", stderr: "" };
const start = (environment: Readonly<Record<string, string>> = {}) =>
  fixture.launch(root, ["start"], { GANTRY_REGISTRY: fixture.registry.url, ...environment });
const app = () => runProgram(join(root, "lib/tiny"), [], { cwd: root, environment: bareEnvironment() });
const stampsOf = () =>
  readdirSync(join(root, "node_modules/.gantry"))
    .filter((name) => name !== NOTES)
    .toSorted();
const NATIVE = "node_modules/bcrypt/prebuilds/linux-x64/bcrypt.glibc.node";
const listed = () => {
  const { modules } = JSON.parse(readFileSync(join(root, "lib/release.json"), "utf8")) as {
    modules: Record<string, { files: Record<string, unknown> }>;
  };
  return Object.entries(modules)
    .flatMap(([directory, { files }]) =>
      Object.entries(files).map(([path, entry]): [string, unknown] => [`${directory}/${path}`, entry]),
    )
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
};
const expectCode = (run: Run, code: number, ...words: readonly string[]) => {
  expect({ ...run, words: words.filter((word) => !run.stderr.includes(word)) }).toMatchObject({
    code,
    stdout: "",
    words: [],
  });
};

const startAsNobody = (environment: Readonly<Record<string, string>> = {}) => {
  chmodSync(fixture.directory, 0o755);
  const args = ["--reuid=65534", "--regid=65534", "--clear-groups", join(root, "lib/tiny"), "--no-install"];
  return runProgram("/usr/bin/setpriv", [...args, join(root, "lib/launcher.mjs"), "start"], {
    cwd: "/",
    environment: {
      ...bareEnvironment(),
      BUN_BE_BUN: "1",
      GANTRY_REGISTRY: fixture.registry.url,
      ...environment,
    },
  });
};

const OPTIONAL = { optional: ["@node-rs/crc32"] };
const without = () => stampsOf().filter((name) => name.endsWith(".without-0"));
const refuse = (status: number) => {
  fixture.registry.misbehave = (path, answer) => {
    if (!path.includes("crc32-linux-x64-gnu")) return undefined;
    answer.writeHead(status).end();
    return "taken";
  };
};

describe("an absent tree", () => {
  it("is installed once; then there is nothing to do and nothing to say", async () => {
    root = fixture.make();
    const first = await start();
    expectCode(first, 0, "gantry: installing 4 modules from the registry\n");
    expect(first.stderr).toMatch(/^gantry: the modules are ready \(\d+\.\d s\)$/m);
    expect(readTree(root)).toEqual(listed());
    expect(readdirSync(root).toSorted()).toEqual([
      "SHA256SUMS",
      "bun.lock",
      "lib",
      "node_modules",
      "package.json",
    ]);
    const asked = fixture.registry.requests.length;
    expect(asked).toBeGreaterThan(0);
    expect(await start()).toEqual(QUIET);
    expect(fixture.registry.requests.length).toBe(asked);
    expect((await app()).stdout).toMatch(/^checksum \d+\n$/);
  });

  it.each(["077", "000"])("gets the same modes under umask %s", async (umask) => {
    root = fixture.make();
    const args = ["-c", `umask ${umask}; exec "$0" "$@"`, join(root, "lib/tiny"), "--no-install"];
    const environment = { ...bareEnvironment(), BUN_BE_BUN: "1", GANTRY_REGISTRY: fixture.registry.url };
    const run = await runProgram("/bin/sh", [...args, join(root, "lib/launcher.mjs"), "start"], {
      cwd: fixture.directory,
      environment,
    });
    expectCode(run, 0);
    expect(readTree(root)).toEqual(listed());
    for (const path of ["node_modules", "node_modules/bcrypt/prebuilds", "node_modules/.gantry"]) {
      expect(`${path} ${(statSync(join(root, path)).mode & 0o777).toString(8)}`).toBe(`${path} 755`);
    }
    const [stamp = ""] = stampsOf();
    expect(statSync(join(root, "node_modules/.gantry", stamp)).mode & 0o777).toBe(0o644);
  });

  it("is installed under Node as well", async () => {
    root = fixture.make();
    const environment = { ...bareEnvironment(), GANTRY_REGISTRY: fixture.registry.url };
    const run = await runProgram(process.execPath, [join(root, "lib/launcher.mjs"), "start"], {
      cwd: fixture.directory,
      environment,
    });
    expectCode(run, 0);
    expect(readTree(root)).toEqual(listed());
    expect(await start(OFFLINE)).toEqual(QUIET);
  });

  it("comes out the same through the host's own npm, when that is named", async () => {
    root = fixture.make();
    const path = [dirname(process.execPath), "/usr/bin", "/bin"].join(delimiter);
    const found = spawnSync("npm", ["--version"], { env: { PATH: path } });
    expect(found.status).toBe(0);
    const run = await start({ GANTRY_PACKAGE_MANAGER: "npm", PATH: path });
    expectCode(run, 0, "from the registry, with npm");
    expect(readTree(root)).toEqual(listed());
  });

  it("needs no network when the release has no native modules", async () => {
    root = fixture.make({ manifest: (m) => ({ ...m, externals: [], modules: {}, native: [] }) });
    expect(await start(OFFLINE)).toEqual(QUIET);
    expect(stampsOf()).toHaveLength(1);
    expect(fixture.registry.requests).toEqual([]);
  });
});

describe("a present tree", () => {
  it("is proven in place without any network, and stamped", async () => {
    root = fixture.make({ tree: "present" });
    expect(await start(OFFLINE)).toEqual(QUIET);
    expect(stampsOf()).toHaveLength(1);
    expect(fixture.registry.requests).toEqual([]);
  });

  it("is taken as a package manager made it, types and other platforms included", async () => {
    root = fixture.make();
    const args = ["install", "--production", `--registry=${fixture.registry.url}`];
    const environment = {
      ...bareEnvironment(),
      BUN_BE_BUN: "1",
      BUN_INSTALL_CACHE_DIR: join(fixture.directory, "cache"),
    };
    const made = await runProgram(join(root, "lib/tiny"), args, { cwd: root, environment });
    expect(made.code).toBe(0);
    expect(await start({ ...OFFLINE, GANTRY_LOG_LEVEL: "info" })).toEqual(QUIET);
    expect(existsSync(join(root, "node_modules/.bin"))).toBe(true);
  });

  it("is proven again when a native file changed, and its stamp is renewed", async () => {
    root = fixture.make({ tree: "present" });
    await start(OFFLINE);
    const later = Date.now() / 1000 + 100;
    utimesSync(join(root, NATIVE), later, later);
    const run = await start({ ...OFFLINE, GANTRY_LOG_LEVEL: "debug" });
    expectCode(run, 0, `${NATIVE} changed since`);
    expect(await start({ ...OFFLINE, GANTRY_LOG_LEVEL: "debug" })).toEqual(QUIET);
  });

  it("is replaced when a file of it is damaged, and kept until its successor is there", async () => {
    root = fixture.make({ tree: "present" });
    truncateSync(join(root, NATIVE), 100);
    writeFileSync(join(root, "node_modules/mine"), "a person's own file");
    let seen = "";
    fixture.registry.misbehave = () => {
      seen = readFileSync(join(root, "node_modules/mine"), "utf8");
      return undefined;
    };
    expectCode(await start(), 0, "installing 4 modules");
    expect(seen).toBe("a person's own file");
    expect(readTree(root)).toEqual(listed());
    expect(readdirSync(root).filter((name) => name.startsWith(".gantry"))).toEqual([]);
  });

  it("that is damaged stays when no other can be installed, with both reasons", async () => {
    root = fixture.make({ tree: "present" });
    truncateSync(join(root, NATIVE), 100);
    expectCode(
      await start(OFFLINE),
      66,
      "BUNDLE_MISSING",
      "DIGEST_MISMATCH",
      NATIVE,
      "GANTRY_OFFLINE=1 forbids",
    );
    fixture.registry.misbehave = (_path, answer) => {
      answer.writeHead(404).end();
      return "taken";
    };
    expectCode(await start(), 69, "MODULE_UNAVAILABLE", "DIGEST_MISMATCH");
    expect(statSync(join(root, NATIVE)).size).toBe(100);
    expect(existsSync(join(root, "node_modules/.gantry"))).toBe(false);
  });

  it("with right files that crash on loading is refused and not installed again", async () => {
    root = fixture.make({ tree: "present" });
    // A mapping that reaches past the file's end is a SIGBUS when it is touched.
    truncateSync(join(root, NATIVE), 8192);
    const [size, digest] = readTreeEntry(root, { path: NATIVE, kind: "file" });
    const manifest = join(root, "lib/release.json");
    const text = readFileSync(manifest, "utf8");
    const entry = listed().find(([path]) => `node_modules/${path}` === NATIVE)?.[1] as [number, string];
    writeFileSync(manifest, text.replace(entry[1], digest).replace(String(entry[0]), String(size)));
    resum(root);
    expectCode(await start(), 69, "bcrypt");
    expect((await start()).stderr).toMatch(/LOAD_CRASHED|MODULE_UNAVAILABLE/);
    expect(fixture.registry.requests).toEqual([]);
  });
});

const asNobody = process.getuid?.() === 0 && spawnSync("setpriv", ["--version"]).error === undefined;
if (!asNobody) console.warn("skipped: unwritable directories, which need root and setpriv to be made");
describe.skipIf(!asNobody)("a release that this user cannot write to", () => {
  it("starts from a tree that is there, every time", async () => {
    root = fixture.make({ tree: "present" });
    expect(await startAsNobody()).toEqual(QUIET);
    expect(existsSync(join(root, "node_modules/.gantry"))).toBe(false);
    const run = await startAsNobody({ GANTRY_LOG_LEVEL: "debug" });
    expectCode(run, 0, "cannot be written (EACCES)");
  });

  it("is STORE_UNWRITABLE without a tree, before any network is used", async () => {
    root = fixture.make();
    expectCode(await startAsNobody(), 73, "STORE_UNWRITABLE", root, "./gantry prepare", "EACCES");
    expectCode(await startAsNobody(OFFLINE), 73, "STORE_UNWRITABLE", "BUNDLE_MISSING");
    expect(fixture.registry.requests).toEqual([]);
  });

  it("is ready for every user after its owner prepared it", async () => {
    root = fixture.make();
    expectCode(await start(), 0);
    expect(await startAsNobody(OFFLINE)).toEqual(QUIET);
  });
});

describe("an optional external", () => {
  it("is left out whole when its platform package does not come, and said so once", async () => {
    root = fixture.make(OPTIONAL);
    refuse(404);
    const run = await start();
    expectCode(run, 0, "left out @node-rs/crc32", "@node-rs/crc32-linux-x64-gnu 1.10.6 is not there", "404");
    expect(existsSync(join(root, "node_modules/@node-rs"))).toBe(false);
    expect(without()).toHaveLength(1);
    expect(await start(OFFLINE)).toEqual(QUIET);
  });

  it("that is required is named by package; a failure of the network may pass", async () => {
    root = fixture.make();
    refuse(404);
    expectCode(await start(), 69, "MODULE_UNAVAILABLE", "@node-rs/crc32-linux-x64-gnu 1.10.6 is not there");
    refuse(503);
    expectCode(await start(), 75, "NETWORK_FAILED", "@node-rs/crc32-linux-x64-gnu 1.10.6", "503");
    expect(existsSync(join(root, "node_modules"))).toBe(false);
  });

  it("that is damaged in a present tree is taken out of the app's way, offline too", async () => {
    root = fixture.make({ ...OPTIONAL, tree: "present" });
    truncateSync(join(root, "node_modules/@node-rs/crc32-linux-x64-gnu/crc32.linux-x64-gnu.node"), 10);
    expectCode(await start(OFFLINE), 0, "going without @node-rs/crc32");
    expect(existsSync(join(root, "node_modules/@node-rs/crc32/index.js"))).toBe(false);
    expect(without()).toHaveLength(1);
    expect(await start(OFFLINE)).toEqual(QUIET);
  });

  it("that somebody removed is not fetched again", async () => {
    root = fixture.make({ ...OPTIONAL, tree: "present" });
    rmSync(join(root, "node_modules/@node-rs"), { recursive: true });
    expectCode(await start(), 0, "going without @node-rs/crc32");
    expect(fixture.registry.requests).toEqual([]);
    expect(without()).toHaveLength(1);
  });
});

it("obeys nothing that lies in the current directory or above the release", async () => {
  root = fixture.make();
  const hostile = join(root, "hostile");
  mkdirSync(join(hostile, "node_modules/bcrypt"), { recursive: true });
  writeFileSync(join(hostile, "node_modules/bcrypt/index.js"), "process.exit(99)");
  writeFileSync(join(hostile, "bunfig.toml"), 'preload = ["./evil.ts"]\n');
  writeFileSync(join(hostile, "evil.ts"), "process.exit(98)");
  writeFileSync(join(hostile, ".env"), "GANTRY_OFFLINE=1\nBUN_CONFIG_REGISTRY=http://127.0.0.1:1/\n");
  cpSync(join(hostile, "bunfig.toml"), join(root, "bunfig.toml"));
  const args = ["--config=/dev/null", "--env-file=/dev/null", "--no-install", join(root, "lib/launcher.mjs")];
  const run = await runProgram(join(root, "lib/tiny"), [...args, "start"], {
    cwd: hostile,
    environment: { ...bareEnvironment(), BUN_BE_BUN: "1", GANTRY_REGISTRY: fixture.registry.url },
  });
  expectCode(run, 0);
  expect(readTree(root)).toEqual(listed());
});
