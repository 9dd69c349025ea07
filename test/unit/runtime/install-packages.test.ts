/** The real package manager against a registry that behaves, and against ones that do not. */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { toGantryError, type Finding } from "../../../src/base/errors.ts";
import { parseTarget } from "../../../src/release/targets.ts";
import {
  installFrozen,
  type InstallLimits,
  type InstallOptions,
} from "../../../src/runtime/install-packages.ts";
import { run } from "../../../src/base/process/run.ts";
import { startRegistry, tampered, type Registry } from "../../support/modules/registry.ts";

/** GANTRY_TEST_BUN names another Bun to try the same tests with. */
const BUN =
  process.env["GANTRY_TEST_BUN"] ??
  fileURLToPath(new URL("../../../node_modules/bun/bin/bun.exe", import.meta.url));
const QUICK: InstallLimits = { idle: 30, retries: 0, hang: 120_000 };
const ENVIRONMENT = { PATH: "/usr/bin:/bin", HOME: "/nonexistent" };

let base = "";
let registry: Registry;
let directory = "";
let count = 0;

beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), "gantry-install-"));
  registry = await startRegistry();
  const source = join(base, "source");
  mkdirSync(source);
  const dependencies = { bcrypt: "6.0.0" };
  const optionalDependencies = { "@node-rs/crc32": "1.10.6" };
  writeFileSync(
    join(source, "package.json"),
    JSON.stringify({ name: "t", dependencies, optionalDependencies }),
  );
  const args = ["install", "--lockfile-only", "--config=/dev/null", `--registry=${registry.url}`];
  const made = await run(BUN, [...args, `--cache-dir=${base}/cache`], {
    cwd: source,
    environment: ENVIRONMENT,
  });
  if (made.code !== 0) throw new Error(made.stderr);
  const lock = join(source, "bun.lock");
  writeFileSync(lock, readFileSync(lock, "utf8").replace(/"http:[^"]*"/g, '""'));
});
afterAll(async () => {
  await registry.close();
  rmSync(base, { recursive: true, force: true });
});
beforeEach(() => {
  registry.misbehave = undefined;
  registry.requests.length = 0;
  count += 1;
  directory = join(base, `try-${count}`);
  cpSync(join(base, "source"), directory, { recursive: true });
});

const install = (options: Partial<InstallOptions> = {}): Promise<readonly string[]> =>
  installFrozen({
    executable: BUN,
    directory,
    cache: join(directory, "cache"),
    target: parseTarget("linux-x64-gnu"),
    environment: ENVIRONMENT,
    registry: registry.url,
    limits: QUICK,
    ...options,
  });
const findingOf = async (work: Promise<unknown>): Promise<Finding> => {
  const error = await work.then(
    () => new Error("it succeeded"),
    (thrown: unknown) => thrown,
  );
  return toGantryError(error).findings[0];
};

/** Without what Bun says of the directories above, which are not the test's. */
const packageComplaints = (lines: readonly string[]) =>
  lines.filter((line) => !line.includes("package.json in"));

const answers = (status: number, which = "") => {
  registry.misbehave = (path, answer) => {
    if (!path.includes(which)) return undefined;
    answer.writeHead(status).end("{}");
    return "taken";
  };
};

it("installs exactly the locked packages of the target, and asks for nothing else", async () => {
  expect(packageComplaints(await install())).toEqual([]);
  expect(existsSync(join(directory, "node_modules/@node-rs/crc32-linux-x64-gnu"))).toBe(true);
  expect(existsSync(join(directory, "node_modules/@node-rs/crc32-linux-x64-musl"))).toBe(false);
  expect(registry.requests.every((path) => path.endsWith(".tgz"))).toBe(true);
});

it.each(["one that names it", "one with a pattern"])(
  "is not taken over by a package.json above: %s",
  async (kind) => {
    const above = join(directory, "above");
    const own = join(above, "some", ".gantry-work-1");
    cpSync(join(base, "source"), own, { recursive: true });
    const workspaces = kind === "one with a pattern" ? ["*", "**", "some/.gantry*"] : ["some/.gantry-work-1"];
    writeFileSync(join(above, "package.json"), JSON.stringify({ name: "above", workspaces }));
    await install({ directory: own });
    expect(existsSync(join(own, "node_modules/bcrypt/package.json"))).toBe(true);
    expect(existsSync(join(above, "node_modules"))).toBe(false);
    expect(existsSync(join(above, "bun.lock"))).toBe(false);
  },
);

it("ignores variables that would skip lockfile, hashes or private cache", async () => {
  const elsewhere = join(directory, "elsewhere");
  await install({
    environment: {
      ...ENVIRONMENT,
      BUN_CONFIG_SKIP_INSTALL_PACKAGES: "1",
      BUN_CONFIG_SKIP_LOAD_LOCKFILE: "1",
      BUN_CONFIG_NO_VERIFY: "1",
      BUN_INSTALL_CACHE_DIR: elsewhere,
      BUN_INSTALL: elsewhere,
      BUN_OPTIONS: "--preload=/nonexistent.js",
    },
  });
  expect(existsSync(join(directory, "node_modules/bcrypt/package.json"))).toBe(true);
  expect(existsSync(elsewhere)).toBe(false);
});

describe("a registry that", () => {
  it("answers 500 is the network's fault", async () => {
    answers(500);
    const finding = await findingOf(install());
    expect(finding).toMatchObject({
      code: "NETWORK_FAILED",
      fix: expect.stringContaining("GANTRY_REGISTRY"),
    });
    expect(finding.detail?.join("\n")).toContain("- 500");
  });

  it("is named with a password keeps it out of what people read", async () => {
    answers(500);
    const withPassword = registry.url.replace("//", "//user:secret@");
    const finding = await findingOf(install({ registry: withPassword }));
    expect(finding).toMatchObject({ code: "NETWORK_FAILED" });
    expect(JSON.stringify(finding)).not.toContain("secret");
  });

  it("wants a token says so", async () => {
    answers(401);
    expect(await findingOf(install())).toMatchObject({
      code: "NETWORK_FAILED",
      what: expect.stringContaining("credentials"),
      fix: expect.stringContaining(".npmrc"),
    });
  });

  it("does not have a package is not worth another try", async () => {
    answers(404, "bcrypt");
    expect(await findingOf(install())).toMatchObject({ code: "MODULE_UNAVAILABLE" });
  });

  it("does not have a platform's package is complained of, and succeeds", async () => {
    answers(404, "crc32-linux-x64-gnu");
    const complaints = packageComplaints(await install());
    expect(complaints).toHaveLength(1);
    expect(complaints[0]).toContain("@node-rs/crc32-linux-x64-gnu");
  });

  it("serves another tarball is found out by the lock's hash", async () => {
    registry.misbehave = (path) =>
      path.endsWith("bcrypt-6.0.0.tgz") ? { tarball: tampered("bcrypt-6.0.0.tgz") } : undefined;
    expect(await findingOf(install())).toMatchObject({ code: "DIGEST_MISMATCH" });
  });

  it("is not there is the network's fault", async () => {
    const finding = await findingOf(install({ registry: "http://127.0.0.1:1/" }));
    expect(finding).toMatchObject({ code: "NETWORK_FAILED" });
    expect(finding.detail?.length).toBeGreaterThan(0);
  });

  it("never answers is given up by Bun's own idle timeout", async () => {
    registry.misbehave = () => "taken";
    const finding = await findingOf(install({ limits: { idle: 1, retries: 0, hang: 120_000 } }));
    expect(finding).toMatchObject({ code: "NETWORK_FAILED" });
    expect(finding.detail?.join("\n")).toMatch(/timeout/i);
  });

  it("never answers is given up by the watchdog where Bun knows no such timeout", async () => {
    registry.misbehave = () => "taken";
    const finding = await findingOf(install({ limits: { idle: 300, retries: 0, hang: 1500 } }));
    expect(finding).toMatchObject({ code: "NETWORK_FAILED", what: expect.stringContaining("did not send") });
  });
});

it.each([
  ["is damaged", (text: string) => text.slice(0, 60)],
  ["is from a later Bun", (text: string) => text.replace(/"lockfileVersion": \d/, '"lockfileVersion": 99')],
])("refuses a lock that %s, without asking anybody", async (_, damage) => {
  const lock = join(directory, "bun.lock");
  writeFileSync(lock, damage(readFileSync(lock, "utf8")));
  expect(await findingOf(install())).toMatchObject({ code: "MANIFEST_INVALID", where: lock });
  expect(registry.requests).toEqual([]);
});

it("names a full disk although only the sixth complaint does", async () => {
  const executable = join(directory, "bun");
  const lines = [1, 2, 3, 4, 5].map((n) => `error: Timeout downloading tarball package-${n}`);
  const last = "ENOSPC: failed copying files from cache to destination for package bcrypt";
  writeFileSync(executable, `#!/bin/sh\nprintf '%s\\n' '${[...lines, last].join("' '")}' >&2\nexit 1\n`, {
    mode: 0o755,
  });
  expect(await findingOf(install({ executable }))).toMatchObject({ code: "DISK_FULL", detail: [last] });
});

/** Mounts a small disk at `directory`, which needs root; false where that is not allowed. */
const mountSmallDisk = () => {
  mkdirSync(directory, { recursive: true });
  return spawnSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", directory]).status === 0;
};

it("asks the disk before it blames the network", async ({ skip }) => {
  const executable = join(base, "filler");
  const script =
    "#!/bin/sh\ncat /dev/zero > filled 2>/dev/null\necho 'error: something happened' >&2\nexit 1\n";
  writeFileSync(executable, script, { mode: 0o755 });
  skip(!mountSmallDisk(), "a disk of its own needs root and mount(8)");
  try {
    cpSync(join(base, "source"), directory, { recursive: true });
    expect(await findingOf(install({ executable }))).toMatchObject({ code: "DISK_FULL", where: directory });
  } finally {
    spawnSync("umount", [directory]);
  }
});

it("takes no success for one that left a package out for want of space", async () => {
  const executable = join(directory, "bun");
  const line = "warn: Fail extracting tarball from @node-rs/crc32-linux-x64-gnu";
  writeFileSync(executable, `#!/bin/sh\necho '${line}' >&2\n`, { mode: 0o755 });
  expect(await findingOf(install({ executable }))).toMatchObject({ code: "DISK_FULL", detail: [line] });
});

it("stops when told to, and the package manager is gone by then", async () => {
  const stop = new AbortController();
  const reason = new Error("enough");
  registry.misbehave = () => {
    stop.abort(reason);
    return "taken";
  };
  await expect(install({ signal: stop.signal })).rejects.toBe(reason);
});

it("says that the binary cannot be started when it cannot", async () => {
  const executable = join(directory, "package.json");
  expect(await findingOf(install({ executable }))).toMatchObject({ code: "EXEC_FAILED", where: executable });
});
