import { execFileSync, spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MUSL_NODE_MAJOR, muslNodeRoot } from "../support/roots/node-roots.ts";
import { enter, muslRoot, slimRoot } from "../support/roots/roots.ts";
import { NODE, NODE_SETTING, systemSetting } from "../../scripts/pins.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const FIXTURE = join(root, "test/fixtures/test-node-brain");
const BUN = join(root, "node_modules/bun/bin/bun.exe");

let work = "";
/** The sample with its own Node for glibc, and for the host's own on musl, of the right and of another major. */
const releases: Record<"glibc" | "musl" | "other", string> = { glibc: "", musl: "", other: "" };

function build(name: string, setting: string, target: string): string {
  const app = join(work, `${name}-app`);
  cpSync(FIXTURE, app, { recursive: true });
  const file = join(app, "package.json");
  writeFileSync(file, readFileSync(file, "utf8").replace(NODE_SETTING, setting));
  const out = join(work, name);
  const args = [
    join(root, "dist/cli.js"),
    "build",
    app,
    "--no-archive",
    "--no-smoke",
    "--out",
    out,
    "--bun",
    BUN,
    "--target",
    target,
  ];
  execFileSync(process.execPath, args, { cwd: root, stdio: "pipe" });
  return join(out, readdirSync(out).find((entry) => existsSync(join(out, entry, "node-brain"))) ?? "none");
}

beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), "gantry-node-hosts-"));
  releases.glibc = build("glibc", NODE_SETTING, "linux-x64-gnu");
  releases.musl = build("musl", systemSetting(MUSL_NODE_MAJOR), "linux-x64-musl");
  releases.other = build("other", systemSetting(24), "linux-x64-musl");
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

/** Starts it, asks it over HTTP, stops it; twice, because the first start prepares and the second must not. */
const SERVE = `
cd /tmp
for round in cold warm; do
  rm -f out
  PORT=0 /opt/release/node-brain >out 2>err &
  pid=$!
  until grep -qs listening out || ! kill -0 $pid; do sleep 0.1; done
  url=$(sed -n 's/.* on //p' out)
  echo "$round $(ASK)"
  kill $pid
  wait $pid
  echo "$round ended with $?"
done
cat err
`;
const serve = (ask: string): string => SERVE.replace("ASK", ask);

/** Both rounds answered and ended well, and gantry had nothing to say. */
function expectServed(stdout: string): void {
  expect(stdout.split("\n").slice(0, 4)).toEqual([
    'cold {"status":"ok","users":0}',
    "cold ended with 0",
    'warm {"status":"ok","users":0}',
    "warm ended with 0",
  ]);
  expect(stdout).not.toContain("gantry:");
}

it("the scripts are clean by shellcheck's judgement", () => {
  const scripts = Object.values(releases).flatMap((release) =>
    ["node-brain", "gantry", "setup.sh"].map((name) => join(release, name)),
  );
  const result = spawnSync("shellcheck", scripts, { encoding: "utf8" });
  expect(result).toMatchObject({ status: 0, stdout: "" });
});

describe("a release with its own Node", () => {
  it("has nothing left in it that strip(1) would remove, and is whole to readelf(1)", () => {
    const node = join(releases.glibc, "lib/node");
    const again = join(work, "stripped-again");
    execFileSync("strip", ["-o", again, node]);
    // strip also moves sections together, by a page or two.
    expect(statSync(again).size).toBeGreaterThan(statSync(node).size - 8192);
    const read = spawnSync("readelf", ["-aW", node], { encoding: "utf8", maxBuffer: 1 << 28 });
    expect(read).toMatchObject({ status: 0, stderr: "" });
    expect(read.stdout).toContain(" napi_create_function");
  });

  it("starts on a Debian that has no Node, from its bundle", () => {
    const ask = `/opt/release/lib/node -e "fetch('$url/api/health').then((r) => r.text()).then(console.log)"`;
    const result = enter(slimRoot(), ["/bin/sh", "-c", serve(ask)], {
      mounts: { "/opt/release": releases.glibc },
    });
    expectServed(result.stdout);
  });

  it("names the library that its Node needs and a slim Debian lacks, and the package", () => {
    const newest = build("newest", `"node": "${NODE[26]}"`, "linux-x64-gnu");
    for (const script of ["node-brain", "gantry"]) {
      const result = enter(slimRoot(), [`/opt/release/${script}`, "--version"], {
        mounts: { "/opt/release": newest },
      });
      expect(result).toMatchObject({ code: 69, stdout: "" });
      expect(result.stderr).toMatch(
        /^gantry: LIBRARY_MISSING: the program needs libatomic\.so\.1, (?:.|\n)*apt-get install libatomic1;/,
      );
    }
  });

  it("is refused on a musl host before its Node is run", () => {
    const result = enter(muslRoot(), ["/opt/release/node-brain"], {
      mounts: { "/opt/release": releases.glibc },
    });
    expect(result).toMatchObject({ code: 69, stdout: "" });
    expect(result.stderr).toMatch(/LIBC_MISMATCH.*\n.*lib\/node\n.*take the release \S+-linux-x64-musl/);
  });
});

it("a glibc release that gcompat cannot start names the release to take", () => {
  const lines = "mkdir /lib64 && ln -s /lib/ld-musl-x86_64.so.1 /lib64/ld-linux-x86-64.so.2 && exec $0";
  const result = enter(muslRoot(), ["/bin/sh", "-c", lines, "/opt/release/node-brain"], {
    mounts: { "/opt/release": releases.glibc },
  });
  expect(result).toMatchObject({ code: 71, stdout: "" });
  expect(result.stderr).toMatch(
    /EXEC_FAILED(?:.|\n)*with gcompat too: take the release \S+-linux-x64-musl\n/,
  );
});

describe("a release on a musl host's own Node", () => {
  it("starts under busybox's sh, cold and warm", () => {
    const ask = "wget -q -O - $url/api/health";
    const result = enter(muslNodeRoot(), ["/bin/sh", "-c", serve(ask)], {
      mounts: { "/opt/release": releases.musl },
    });
    expectServed(result.stdout);
  });

  it("is judged right by its own doctor and verify", () => {
    const both = "/opt/release/gantry verify && /opt/release/gantry doctor";
    const result = enter(muslNodeRoot(), ["/bin/sh", "-c", both], {
      mounts: { "/opt/release": releases.musl },
    });
    expect(result).toMatchObject({ code: 0 });
    expect(result.stdout).toMatch(/node 26\.\d+\.\d+, ABI 147/);
    expect(result.stdout).toMatch(/ok +better-sqlite3\/prebuilds\/linuxmusl-x64\.node/);
  });

  it("says node: not found where there is none, and how to get it", () => {
    const result = enter(muslRoot(), ["/opt/release/node-brain"], {
      mounts: { "/opt/release": releases.musl },
    });
    expect(result).toMatchObject({ code: 71, stdout: "" });
    expect(result.stderr).toMatch(/node: not found(?:.|\n)*apk add nodejs/);
  });

  it("of another major is refused with both numbers", () => {
    const other = { "/opt/release": releases.other };
    const result = enter(muslNodeRoot(), ["/opt/release/node-brain"], { mounts: other });
    expect(result).toMatchObject({ code: 69, stdout: "" });
    expect(result.stderr).toMatch(/ABI_MISMATCH: .*NODE_MODULE_VERSION 137 .* with 147\n/);
  });
});
