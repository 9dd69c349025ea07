/**
 * A module whose install script downloads its native file: a package of our own in a registry on loopback, a real
 * .node (bcrypt's) behind a second address. What the script made travels in the bundle, and nowhere else.
 */
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, inject, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const bun = join(root, "node_modules/bun/bin/bun.exe");
const UNPACK =
  'process.stdout.write(require("node:zlib").zstdDecompressSync(require("node:fs").readFileSync(process.argv[1])))';

let work = "";
let server: Server | undefined;
let base = "";
let native: Buffer = Buffer.alloc(0);
/** What the download gives: the file, or nothing at all. */
let answers = true;
let downloads = 0;

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), "gantry-scripted-"));
  native = readNative();
  server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? "/");
    if (path === "/fetched") {
      const { dist, ...rest } = packument();
      return void response.setHeader("content-type", "application/json").end(
        JSON.stringify({
          name: "fetched",
          "dist-tags": { latest: "1.0.0" },
          versions: { "1.0.0": { ...rest, dist } },
        }),
      );
    }
    if (path === "/fetched.tgz") return void response.end(tarball());
    if (path !== "/native.node") return void response.writeHead(404).end("{}");
    downloads += 1;
    return answers ? void response.end(native) : void response.writeHead(503).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  base = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
});
afterAll(() => {
  server?.close();
  server?.closeAllConnections();
  rmSync(work, { recursive: true });
});

/** bcrypt's native file for this machine: the only one among the files of the sample's tree, once it is prepared. */
function readNative(): Buffer {
  const copy = join(work, "sample");
  execFileSync("cp", ["-r", inject("release"), copy]);
  execFileSync(join(copy, "gantry"), ["prepare"], { cwd: work, stdio: "pipe" });
  const found = execFileSync("find", [join(copy, "node_modules/bcrypt"), "-name", "*.node"], {
    encoding: "utf8",
  });
  const bytes = readFileSync(found.trim());
  rmSync(copy, { recursive: true });
  return bytes;
}

const JSON_OF_PACKAGE = {
  name: "fetched",
  version: "1.0.0",
  main: "index.js",
  scripts: { install: "node download.js" },
};
let packed: Buffer | undefined;
function tarball(): Buffer {
  if (packed !== undefined) return packed;
  const directory = join(work, "fetched/package");
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "package.json"), JSON.stringify(JSON_OF_PACKAGE));
  writeFileSync(join(directory, "index.js"), 'module.exports = require("./made.node");\n');
  // It exits 0 whatever happens, as careless ones do.
  writeFileSync(
    join(directory, "download.js"),
    `const { createWriteStream } = require("node:fs");
require("node:http").get("${base}/native.node", (response) => {
  if (response.statusCode === 200) response.pipe(createWriteStream("made.node"));
  else console.error("no download for " + process.platform + " " + process.arch);
});
`,
  );
  packed = execFileSync("tar", ["-czf", "-", "-C", dirname(directory), "package"]);
  return packed;
}
function packument() {
  const integrity = `sha512-${createHash("sha512").update(tarball()).digest("base64")}`;
  return { ...JSON_OF_PACKAGE, hasInstallScript: true, dist: { integrity, tarball: `${base}/fetched.tgz` } };
}

async function build(name: string, json: Record<string, unknown>, ...more: string[]) {
  const app = join(work, name);
  mkdirSync(join(app, "src"), { recursive: true });
  const identity = { name: "scripted", version: "1.0.0", gantry: { entry: "src/main.ts" } };
  writeFileSync(join(app, "package.json"), JSON.stringify({ ...identity, ...json }));
  writeFileSync(join(app, ".npmrc"), `registry=${base}/\n`);
  writeFileSync(
    join(app, "src/main.ts"),
    'import fetched from "fetched";\nconsole.log(Object.keys(fetched).length);\n',
  );
  return await gantry(
    "build",
    app,
    "--no-archive",
    "--bun",
    bun,
    "--out",
    join(work, `${name}-out`),
    ...more,
  );
}

/** Not synchronously: this process is the registry. */
async function gantry(...args: string[]): Promise<{ status: number | null; stdout: string; stderr: string }> {
  const env = { ...process.env, npm_config_registry: `${base}/`, NPM_CONFIG_REGISTRY: `${base}/` };
  const child = spawn(process.execPath, [join(root, "dist/cli.js"), ...args], { cwd: work, env });
  const said = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk: Buffer) => (said.stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (said.stderr += chunk.toString()));
  const [status] = (await once(child, "close")) as [number | null];
  return { status, ...said };
}

const REQUIRED = { dependencies: { fetched: "1.0.0" }, trustedDependencies: ["fetched"] };

it("is captured after its script ran, loaded, and travels in the bundle", async () => {
  const built = await build("trusted", REQUIRED);
  expect(built).toMatchObject({ status: 0 });
  expect(built.stderr).toMatch(/installed as vendor, because no registry has .* of fetched made here/);
  expect(built.stderr).toMatch(/^started: exited with 0 after \d+\.\d s \(vendor\)$/m);
  const [release = ""] = built.stdout.split("\n");
  const { modules } = JSON.parse(readFileSync(join(release, "lib/release.json"), "utf8")) as {
    modules: Record<string, { source?: string; files: Record<string, [number, string]> }>;
  };
  expect(modules["fetched"]?.source).toBe("bundle");
  expect(modules["fetched"]?.files["made.node"]?.slice(0, 2)).toEqual([
    native.length,
    createHash("sha256").update(native).digest("hex"),
  ]);
  const [name = ""] = readdirSync(join(release, "vendor"));
  const tar = execFileSync(bun, ["-e", UNPACK, join(release, "vendor", name)], {
    env: {},
    maxBuffer: 1 << 28,
  });
  const carried = execFileSync("tar", ["-xOf", "-", "fetched/made.node"], { input: tar, maxBuffer: 1 << 28 });
  expect(carried.equals(native)).toBe(true);
  // Without that bundle nothing brings it: another one cannot be made from the registry.
  const sums = readFileSync(join(release, "SHA256SUMS"), "utf8");
  rmSync(join(release, "vendor"), { recursive: true });
  writeFileSync(join(release, "SHA256SUMS"), sums.replaceAll(/^.* {2}vendor\/.*\n/gm, ""));
  const again = await gantry("bundle", release);
  expect(again).toMatchObject({ status: 69, stdout: "" });
  expect(again.stderr).toMatch(/MODULE_UNAVAILABLE: an install script made files of fetched/);
});

it("does not poison a manifest when its script ends well without the file", async () => {
  answers = false;
  try {
    const required = await build("silent", REQUIRED);
    expect(required).toMatchObject({ status: 69, stdout: "" });
    expect(required.stderr).toMatch(/MODULE_UNAVAILABLE: fetched 1\.0\.0: .*no native file/);
  } finally {
    answers = true;
  }
});

it("is not run without trust, nor for another kind of machine", async () => {
  const before = downloads;
  const { dependencies } = REQUIRED;
  expect(await build("untrusted", { dependencies })).toMatchObject({ status: 69, stdout: "" });
  const target = process.arch === "x64" ? "linux-arm64-gnu" : "linux-x64-gnu";
  const foreign = await build("foreign", REQUIRED, "--target", target);
  expect(foreign).toMatchObject({ status: 69, stdout: "" });
  expect(foreign.stderr).toMatch(
    new RegExp(`fetched has no native file for ${target}.*\\n.*build on a ${target}`),
  );
  expect(downloads).toBe(before);
});
