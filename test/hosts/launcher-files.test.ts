/**
 * What the launcher opens, by strace's account: the release, the C library, and facts of /proc, /sys and /etc. Everything
 * else, there or not, is somebody's way in. Every directory around has files that a runtime would obey.
 */
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from "node:fs";
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { npmPackage } from "../support/roots/roots.ts";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const BUN = join(repository, "node_modules/bun/bin/bun.exe");
const APPS = join(repository, "test/fixtures");

/** The launcher's own, as root without a store. */
const ALLOWED: readonly RegExp[] = [
  // ld.so(8), locale(7), and what glibc's own iconv looks at.
  /^\/etc\/ld\.so\.(?:cache|preload)$/,
  /^(?:\/usr)?\/lib(?:64|32)?\/.*/,
  /^\/usr\/share\/locale\/locale\.alias$/,
  // proc(5), sysfs(5): memory, processors and mounts, of this process.
  /^\/proc\/(?:self|thread-self|\d+)\/(?:auxv|cgroup|maps|mountinfo|stat|statm|status|exe|fd|cmdline|task.*|limits|oom_score_adj)$/,
  /^\/proc\/(?:cpuinfo|meminfo|version|version_signature|stat|filesystems|mounts|uptime|loadavg)$/,
  /^\/proc\/sys\/(?:vm\/(?:mmap_min_addr|overcommit_memory|max_map_count)|kernel\/(?:osrelease|random\/boot_id|ngroups_max|tainted))$/,
  /^\/sys\/(?:devices\/system\/(?:cpu|node)|fs\/cgroup|kernel\/mm|kernel\/debug\/tracing\/trace_marker)/,
  /^\/dev\/(?:null|urandom|tty|shm|pts.*)$/,
  // machine-id(5), os-release(5), localtime(5), nsswitch.conf(5), and OpenSSL's as the runtime was built.
  /^\/etc\/?$/,
  /^\/etc\/(?:machine-id|os-release|localtime|passwd|group|nsswitch\.conf|alpine-release|fips|ssl\/openssl\.cnf)$/,
];

let work = "";
let caller = "";
const releases: Record<string, string> = {};

function build(label: string, app: string, bun: string): void {
  const copy = join(work, "apps", label);
  cpSync(join(APPS, app), copy, { recursive: true });
  // The lock is of a version that an older Bun cannot read; the versions in package.json are exact.
  if (bun !== BUN) {
    rmSync(join(copy, "bun.lock"));
    execFileSync(bun, ["install", "--lockfile-only"], { cwd: copy, stdio: "pipe" });
  }
  const out = join(work, "above", label);
  const args = [
    join(repository, "dist/cli.js"),
    "build",
    copy,
    "--no-archive",
    "--no-smoke",
    "--bun",
    bun,
    "--vendor",
    "--out",
    out,
  ];
  execFileSync(process.execPath, args, { stdio: "pipe" });
  const name = readdirSync(out).find((entry) => existsSync(join(out, entry, "gantry"))) ?? "none";
  releases[label] = join(out, name);
}

/** Runs code, or names another module for every import, where it is obeyed. */
function plant(directory: string): void {
  const evil = join(work, "evil.js");
  const paths = JSON.stringify({ compilerOptions: { baseUrl: ".", paths: { "*": [evil] } } });
  const files: Record<string, string> = {
    "tsconfig.json": paths,
    "jsconfig.json": paths,
    "package.json": JSON.stringify({
      name: "above",
      type: "commonjs",
      workspaces: ["*", "**", "*/.gantry-work*", "*/*/.gantry-work*", ".gantry-work*"],
      imports: { "#*": evil },
      browser: { "node:fs": evil },
      scripts: { start: `touch ${work}/obeyed`, "launcher.mjs": `touch ${work}/obeyed` },
    }),
    "bunfig.toml": `preload = ["${evil}"]\n[run]\npreload = ["${evil}"]\n`,
    ".env": `BUN_INSPECT_PRELOAD=${evil}\nNODE_OPTIONS=--require=${evil}\nGANTRY_OFFLINE=no\n`,
    ".npmrc": "registry=http://127.0.0.1:9/\n",
    "node_modules/tar/index.js": `require("${evil}")`,
    "node_modules/tar/package.json": "{}",
  };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
}

beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), "gantry-files-"));
  chmodSync(work, 0o755);
  caller = join(work, "caller/deep/down");
  mkdirSync(caller, { recursive: true });
  build("the newest Bun", "apps/checksum", BUN);
  build("the oldest Bun", "apps/checksum", join(npmPackage("bun-linux-x64-oldest"), "bin/bun"));
  build("Node", "test-node-brain", BUN);
  writeFileSync(join(work, "evil.js"), `require("fs").writeFileSync("${work}/obeyed", "")`);
  const above = ["caller/deep/down", "caller/deep", "caller", "", "above"];
  for (const place of [...above, ...Object.values(releases).map((root) => dirname(root).slice(work.length))])
    plant(join(work, place));
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

/** What every process of a command opened, or tried to, as absolute paths. */
function opened(command: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const log = join(work, "strace.log");
  const calls = "trace=open,openat,openat2,creat,execve,getdents64";
  const result = spawnSync("strace", ["-f", "-qq", "-y", "-s", "4096", "-e", calls, "-o", log, ...command], {
    cwd: caller,
    env: { PATH: "/usr/bin:/bin", HOME: join(work, "caller"), ...env },
    encoding: "utf8",
    timeout: 100_000,
  });
  const paths = readFileSync(log, "utf8")
    .split("\n")
    .flatMap((line) => {
      const [, at, path] = /openat2?\((?:AT_FDCWD|\d+)<([^>]*)>, "([^"]*)"/.exec(line) ?? [];
      if (at !== undefined) return [path?.startsWith("/") === true ? path : `${at}/${path}`];
      const [, plain] = /\b(?:open|creat)\("([^"]*)"/.exec(line) ?? [];
      return plain === undefined ? [] : [plain];
    });
  return {
    status: result.status,
    stderr: result.stderr,
    paths: [...new Set(paths.map((path) => normalize(path)))],
  };
}

/**
 * The load probe is the app, and finds packages as it does: from the release's node_modules, but Bun looks at the
 * package.json of the directories above it as well. A package may look at ldd, to tell the C library.
 */
function isSeenByApp(root: string, path: string): boolean {
  const directory = path.replace(/\/?(?:package\.json)?$/, "");
  return root.startsWith(`${directory}/`) || path === "/usr/bin/ldd";
}

/** Files that neither belong to the release nor are on the list. */
function beside(root: string, paths: readonly string[]): readonly string[] {
  return paths.filter(
    (path) => path !== root && !path.startsWith(`${root}/`) && !ALLOWED.some((allowed) => allowed.test(path)),
  );
}

describe.each(["the newest Bun", "the oldest Bun", "Node"])("with %s", (label) => {
  it.each([["--help"], ["--version"], ["status"], ["doctor"], ["prepare", "--offline"], ["verify"]])(
    "./gantry %s opens nothing but the release, the C library and facts of the system",
    (...args) => {
      const root = releases[label] ?? "";
      const { paths, stderr } = opened([join(root, "gantry"), ...args]);
      const loads = ["prepare", "verify"].includes(args[0] ?? "");
      const others = beside(root, paths).filter((path) => !loads || !isSeenByApp(root, path));
      expect({ stderr, others }).toMatchObject({ others: [] });
      expect(paths).toContain(join(root, "lib/launcher.mjs"));
      expect(existsSync(join(work, "obeyed"))).toBe(false);
    },
  );

  it("a variable that a runtime obeys runs no code in it", () => {
    const root = releases[label] ?? "";
    const evil = join(work, "evil.js");
    const env = {
      BUN_INSPECT_PRELOAD: evil,
      BUN_OPTIONS: `--preload=${evil}`,
      BUN_INSPECT: "ws://127.0.0.1:0/x?wait=1",
      BUN_CONFIG_VERBOSE_FETCH: "1",
      NODE_OPTIONS: `--require=${evil}`,
      NODE_REPL_EXTERNAL_MODULE: evil,
      NODE_V8_COVERAGE: work,
    };
    rmSync(join(root, "node_modules"), { recursive: true, force: true });
    for (const args of [["--version"], ["prepare", "--offline"]]) {
      expect(opened([join(root, "gantry"), ...args], env)).toMatchObject({ status: 0 });
      expect(existsSync(join(work, "obeyed"))).toBe(false);
    }
  });
});
