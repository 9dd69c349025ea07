/** What is wrong with a release, its network or its place: one code, one fix, and nothing changed. */
import { spawnSync } from "node:child_process";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { chmodSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ERRORS, type ErrorCode } from "../../src/base/errors.ts";
import { runBrain, type BrainRun } from "../support/app/brain-client.ts";
import { copyRelease, makeScratch, type Scratch } from "../support/app/release.ts";

let scratch: Scratch;
let release = "";
let count = 0;
/** What the loopback registry answers. */
let answer: RequestListener = () => undefined;

beforeAll(() => {
  scratch = makeScratch();
});
afterAll(() => scratch.dispose());
beforeEach(() => {
  count += 1;
  release = copyRelease(scratch.directory, `release-${count}`);
});

const start = (env: Record<string, string> = {}): Promise<BrainRun> =>
  runBrain([join(release, "brain"), "--version"], { cwd: scratch.empty, env: { ...scratch.env, ...env } });

/** The app did not start, the code is the first word, its exit status is the table's, and there is a way out. */
function expectRefusal(result: BrainRun, code: ErrorCode): void {
  expect({ code: result.code, stdout: result.stdout, stderr: result.stderr }).toMatchObject({
    code: ERRORS[code].exit,
    stdout: "",
  });
  expect(result.stderr).toContain(`${code}: `);
  expect(result.stderr).toMatch(/^ {2}fix {3}\S/m);
  expect(result.stderr).not.toMatch(/^\s+at /m);
  expect(
    readdirSync(release).filter((name) => name === "node_modules" || name.startsWith(".gantry")),
  ).toEqual([]);
}

const manifest = (): string => join(release, "lib/release.json");
const rewriteManifest = (change: (text: string) => string): void => {
  const text = change(readFileSync(manifest(), "utf8"));
  rmSync(manifest());
  writeFileSync(manifest(), text);
};
const inTheManifest: [string, ErrorCode, RegExp, () => void][] = [
  ["is missing", "RELEASE_FILE_MISSING", /release\.json/, () => rmSync(manifest())],
  ["is cut off", "MANIFEST_INVALID", /ends early/, () => rewriteManifest((text) => text.slice(0, 200))],
  [
    "is from the future",
    "MANIFEST_INVALID",
    /schema 2/,
    () => rewriteManifest((text) => text.replace('"schema": 1', '"schema": 2')),
  ],
  [
    "has an unknown key",
    "MANIFEST_INVALID",
    /"surprise"/,
    () => rewriteManifest((text) => text.replace("{", '{"surprise": 1,')),
  ],
];

describe("a release whose", () => {
  it.each(inTheManifest)("release.json %s", async (_, code, message, damage) => {
    damage();
    const result = await start();
    expectRefusal(result, code);
    expect(result.stderr).toMatch(message);
  });

  it("lock does not fit its package.json", async () => {
    const file = join(release, "package.json");
    const json = JSON.parse(readFileSync(file, "utf8")) as { dependencies: Record<string, string> };
    json.dependencies["libsql"] = "0.5.12";
    writeFileSync(file, JSON.stringify(json));
    expectRefusal(await start(), "MANIFEST_INVALID");
  });

  it("binary went through strip, or was cut like that", async () => {
    const binary = join(release, "lib/brain");
    const whole = readFileSync(binary);
    rmSync(binary);
    writeFileSync(binary, whole, { mode: 0o755 });
    if (spawnSync("strip", [binary]).error !== undefined) truncateSync(binary, whole.length - 64);
    const result = await start();
    expect(result.stdout).toBe("");
    expect(ERRORS).toHaveProperty(/gantry: ([A-Z_]+):/.exec(result.stderr)?.[1] ?? "nothing");
    expect(result.code).toBeGreaterThanOrEqual(65);
    expect(result.stderr).toMatch(/strip/);
  });

  it("binary is one for another machine", async () => {
    const binary = join(release, "lib/brain");
    const head = Buffer.from(readFileSync(binary).subarray(0, 4096));
    // e_machine, ELF gABI: two bytes at offset 18; 183 is AArch64, 62 is x86-64.
    head.writeUInt16LE(process.arch === "x64" ? 183 : 62, 18);
    rmSync(binary);
    writeFileSync(binary, head, { mode: 0o755 });
    expectRefusal(await start(), "HOST_UNSUPPORTED");
  });
});

describe("a registry that", () => {
  let server: Server;
  let url = "";
  beforeAll(async () => {
    server = createServer((request, response) => answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  it("answers 500", async () => {
    answer = (_, response) => response.writeHead(500).end("broken");
    expectRefusal(await start({ GANTRY_REGISTRY: url }), "NETWORK_FAILED");
  });

  it("is not there", async () => {
    expectRefusal(await start({ GANTRY_REGISTRY: "http://127.0.0.1:9/" }), "NETWORK_FAILED");
  });

  it("does not have the packages", async () => {
    answer = (_, response) => response.writeHead(404).end("{}");
    expectRefusal(await start({ GANTRY_REGISTRY: url }), "MODULE_UNAVAILABLE");
  });

  it("serves other bytes than the lock names", async () => {
    const other = gzipSync(Buffer.alloc(1024));
    answer = (_, response) =>
      response.writeHead(200, { "content-type": "application/octet-stream" }).end(other);
    expectRefusal(await start({ GANTRY_REGISTRY: url }), "DIGEST_MISMATCH");
  });

  it("was not allowed to be asked", async () => {
    let asked = 0;
    answer = (_, response) => {
      asked += 1;
      response.writeHead(500).end();
    };
    const result = await start({ GANTRY_REGISTRY: url, GANTRY_OFFLINE: "1" });
    expect([ERRORS.BUNDLE_MISSING.exit, ERRORS.NETWORK_FAILED.exit]).toContain(result.code);
    expect(asked).toBe(0);
  });
});

describe("a setting that", () => {
  it.each([
    ["GANTRY_LOG_LEVEL", "loud"],
    ["GANTRY_PACKAGE_MANAGER", "npn"],
    ["GANTRY_REGISTRY", "not a url"],
    ["GANTRY_OFFLINE", "perhaps"],
  ])("is wrong, %s=%s", async (name, value) => {
    const result = await start({ [name]: value });
    expectRefusal(result, "CONFIG_INVALID");
    expect(result.stderr).toContain(name);
  });

  it.each([
    [["prepar"], /prepare/],
    [["install", "now"], /one argument too many/],
    [["prepare", "--ofline"], /--offline/],
    [["doctor", "extra"], /extra/],
  ])("is a command line that is wrong: ./gantry %j", async (args, message) => {
    const result = await runBrain([join(release, "gantry"), ...args], {
      cwd: scratch.empty,
      env: scratch.env,
    });
    expectRefusal(result, "USAGE");
    expect(result.stderr).toMatch(message);
  });
});

describe.skipIf(process.getuid?.() === 0 && spawnSync("setpriv", ["--version"]).error !== undefined)(
  "a place that",
  () => {
    it("cannot be written", async () => {
      chmodSync(release, 0o555);
      const asOther =
        process.getuid?.() === 0 ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : [];
      chmodSync(scratch.directory, 0o755);
      const [program = join(release, "brain"), ...rest] = [...asOther, join(release, "brain")];
      const result = await runBrain([program, ...rest], {
        cwd: "/",
        env: { ...scratch.env, PATH: "/usr/bin:/bin", HOME: "/nonexistent" },
      });
      expectRefusal(result, "STORE_UNWRITABLE");
      expect(result.stderr).toContain(release);
      chmodSync(release, 0o755);
    });
  },
);
