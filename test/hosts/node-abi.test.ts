/**
 * Releases for the host's own Node, carried from each major to each other one: 16 starts, none of them a crash. And a
 * module that is compiled for each, against its own headers. What people use of that kind, better-sqlite3 12, compiles
 * SQLite for minutes: scripts/node-abi.mjs does that, with bcrypt 5 and 6 and better-sqlite3 13, for each Node.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildNatives } from "../../src/build/node/natives.ts";
import { ensureNode, type NodeRuntime } from "../../src/build/node/node-runtime.ts";
import { parseTarget } from "../../src/release/targets.ts";
import { NODE } from "../../scripts/pins.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const BUN = join(root, "node_modules/bun/bin/bun.exe");
/** With its NODE_MODULE_VERSION. */
const NODES = [
  [NODE[20], 115],
  [NODE[22], 127],
  [NODE[24], 137],
  [NODE[26], 147],
] as const;
const APP = `import bcrypt from "bcrypt";
console.log(process.version, bcrypt.compareSync("x", bcrypt.hashSync("x", 4)));
`;

let work = "";
const nodes = new Map<string, NodeRuntime>();
/** A PATH's directory with each Node. */
const paths = new Map<string, string>();
const releases = new Map<string, string>();

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), "gantry-abi-"));
  for (const [version] of NODES) {
    const target = parseTarget("linux-x64-gnu");
    const directory = join(work, `node-${version}`);
    const fetching = { wanted: version, target, directory, bun: BUN, environment: process.env, where: "" };
    const node = await ensureNode(fetching);
    nodes.set(version, node);
    paths.set(version, join(directory, "path"));
    mkdirSync(join(directory, "path"));
    symlinkSync(node.executable, join(directory, "path/node"));
    releases.set(version, build(version));
  }
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

/** bcrypt 6 brings its native file for every Node: nothing is compiled. */
function build(version: string): string {
  const app = join(work, `app-${version}`);
  mkdirSync(app);
  const json = {
    name: "carried",
    version: "1.0.0",
    type: "module",
    dependencies: { bcrypt: "6.0.0" },
    gantry: { runtime: "node", node: `system@${version}`, entry: "index.js" },
  };
  writeFileSync(join(app, "package.json"), JSON.stringify(json));
  writeFileSync(join(app, "index.js"), APP);
  const args = [
    join(root, "dist/cli.js"),
    "build",
    app,
    "--no-archive",
    "--no-smoke",
    "--out",
    `${app}-out`,
    "--bun",
    BUN,
  ];
  const said = execFileSync(process.execPath, args, { encoding: "utf8", stdio: "pipe" });
  return said.split("\n")[0] ?? "";
}

const start = (version: string, on: string) =>
  spawnSync(join(releases.get(version) ?? "", "carried"), {
    cwd: work,
    encoding: "utf8",
    env: { PATH: `${paths.get(on) ?? ""}:/usr/bin:/bin` },
  });

describe.each(NODES)("a release for Node %s", (version, abi) => {
  it("records its NODE_MODULE_VERSION", () => {
    const manifest: unknown = JSON.parse(
      readFileSync(join(releases.get(version) ?? "", "lib/release.json"), "utf8"),
    );
    expect(manifest).toMatchObject({ runtime: { kind: "node", version, abi, system: true } });
  });

  // The right one comes first and last: what it proved lets no other in, and what refuses spoils nothing.
  const others = NODES.filter(([other]) => other !== version);
  it.each([[version, abi] as const, ...others, [version, abi] as const])("on Node %s", (other, its) => {
    const { status, signal, stdout, stderr } = start(version, other);
    const starts = { status: 0, signal: null, stdout: `v${version} true\n` };
    const refused = { status: 69, signal: null, stdout: "" };
    expect({ status, signal, stdout }).toEqual(other === version ? starts : refused);
    const numbers = `the release is built for NODE_MODULE_VERSION ${abi} (Node ${version}), and this is Node ${other} with ${its}\n`;
    expect(stderr.includes(`ABI_MISMATCH: ${numbers}`)).toBe(other !== version);
  });
});

/** Of the kind that knows one NODE_MODULE_VERSION: it uses V8 and no Node-API. */
const LOCKED = {
  "package.json": '{ "name": "locked", "version": "1.0.0", "scripts": { "install": "node-gyp rebuild" } }',
  "binding.gyp": '{ "targets": [{ "target_name": "locked", "sources": ["locked.cc"] }] }',
  "locked.cc": `#include <node.h>
void Init(v8::Local<v8::Object> exports, v8::Local<v8::Value>, void*) {
  NODE_SET_METHOD(exports, "abi", [](const v8::FunctionCallbackInfo<v8::Value>& info) {
    info.GetReturnValue().Set(NODE_MODULE_VERSION);
  });
}
NODE_MODULE(locked, Init)
`,
};

describe.each(NODES)("a module without a file for Node %s", (version, abi) => {
  let file = "";
  beforeAll(async () => {
    const node = nodes.get(version);
    if (node === undefined) throw new Error(`no Node ${version}`);
    const modules = join(work, `locked-${version}/node_modules`);
    mkdirSync(join(modules, "locked"), { recursive: true });
    for (const [name, text] of Object.entries(LOCKED)) writeFileSync(join(modules, "locked", name), text);
    const missing = await buildNatives({
      policy: { allows: () => true, refusal: () => "" },
      modules,
      closure: [{ path: "locked", name: "locked", version: "1.0.0", neededBy: ["locked"] }],
      node,
      target: parseTarget("linux-x64-gnu"),
      native: true,
      work: join(work, `locked-${version}`),
      environment: process.env,
      log: { info: () => {} },
    });
    if (missing.size > 0) throw new Error([...missing.values()].join());
    file = join(modules, "locked/build/Release/locked.node");
  });

  it.each(NODES)("is compiled for it; loaded on Node %s", (other, its) => {
    const node = join(paths.get(other) ?? "", "node");
    const loaded = spawnSync(node, ["-p", "require(process.argv[1]).abi()", file], { encoding: "utf8" });
    // Node's own words for the other ones.
    const numbers = /NODE_MODULE_VERSION (\d+)\. .*requires\s+NODE_MODULE_VERSION (\d+)\./s.exec(
      loaded.stderr,
    );
    const { status, stdout } = loaded;
    expect({ status, stdout, numbers: numbers?.slice(1).map(Number) }).toEqual(
      other === version
        ? { status: 0, stdout: `${abi}\n`, numbers: undefined }
        : { status: 1, stdout: "", numbers: [abi, its] },
    );
  });
});
