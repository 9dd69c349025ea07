// node scripts/node-abi.mjs [VERSION…]: builds one app for each Node and prints which native module was used, which
// was compiled, and that each loads in that Node only. Compiles SQLite once a version, which takes minutes and a
// compiler.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { symlinkSync, writeFileSync } from "node:fs";
import { arch, tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./install.mjs";
import { ABI_LOCKED, NODE } from "./pins.mjs";

const wanted = process.argv.slice(2);
const versions = wanted.length === 0 ? Object.values(NODE) : wanted;

const BUN = ["bun/bin/bun.exe", `@oven/bun-linux-${arch()}/bin/bun`]
  .map((path) => join(root, "node_modules", path))
  .find((file) => existsSync(file));
if (BUN === undefined) throw new Error("no Bun among the devDependencies");

const APP = `
const answers = {};
// Kept until the end: since Node 24.19 a garbage-collected database of better-sqlite3 12 ends the process ("(env) !=
// nullptr").
globalThis.kept = [];
for (const name of ${JSON.stringify(Object.keys(ABI_LOCKED))}) {
  try {
    const module = (await import(name)).default;
    if (name.startsWith("bcrypt")) answers[name] = module.compareSync("x", module.hashSync("x", 4));
    else {
      const database = new module(":memory:");
      const statement = database.prepare("select 1 as one");
      globalThis.kept.push(database, statement);
      answers[name] = statement.get().one === 1;
    }
  } catch (error) {
    answers[name] = error.code ?? error.message;
  }
}
console.log(JSON.stringify(answers));
`;

/** @param {string} file @param {string[]} args @param {Record<string, string>} [env] */
const run = (file, args, env) =>
  spawnSync(file, args, { encoding: "utf8", cwd: work, env: { ...process.env, ...env } });

/** @param {string} version @param {string} name @param {string} node @param {Record<string, string>} dependencies */
function build(version, name, node, dependencies) {
  const app = join(work, name);
  mkdirSync(app);
  const json = {
    name: "abi",
    version: "1.0.0",
    type: "module",
    dependencies,
    // better-sqlite3 13 needs Node-API 10, which Node 20 does not have. The build has to find that out.
    gantry: {
      runtime: "node",
      node,
      entry: "src/index.js",
      optional: version.startsWith("20.") && "sqlite13" in dependencies ? ["sqlite13"] : [],
    },
  };
  mkdirSync(join(app, "src"));
  writeFileSync(join(app, "package.json"), JSON.stringify(json));
  writeFileSync(join(app, "src/index.js"), APP);
  const out = join(work, `${name}-out`);
  const begun = performance.now();
  const args = [join(root, "dist/cli.js"), "build", app, "--out", out, "--bun", BUN ?? ""];
  const result = run(process.execPath, args);
  if (result.status !== 0) throw new Error(result.stderr);
  const compiled = result.stderr.split("\n").filter((line) => line.includes("has no file for Node"));
  const left = result.stderr.split("\n").filter((line) => line.includes("is left out"));
  for (const line of [...compiled, ...left]) console.log(`  ${line}`);
  console.log(`  built in ${((performance.now() - begun) / 1000).toFixed(0)} s`);
  return join(out, readdirSync(out).find((entry) => existsSync(join(out, entry, "abi"))) ?? "");
}

const work = mkdtempSync(join(tmpdir(), "gantry-abi-"));
let failed = false;
try {
  /** @type {{ version: string, bin: string }[]} */
  const made = [];
  for (const version of versions) {
    console.log(`Node ${version}`);
    const release = build(version, `own-${version}`, version, ABI_LOCKED);
    const manifest = JSON.parse(readFileSync(join(release, "lib/release.json"), "utf8"));
    const bin = join(work, `bin-${version}`);
    mkdirSync(bin);
    symlinkSync(join(release, "lib/node"), join(bin, "node"));
    const answer = run(join(release, "abi"), []);
    console.log(`  NODE_MODULE_VERSION ${manifest.runtime.abi}: ${answer.stdout.trim() || answer.stderr}`);
    for (const { path } of manifest.native) console.log(`  ${path}`);
    const answers = answer.status === 0 ? JSON.parse(answer.stdout) : {};
    const right = Object.entries(answers).filter(([, value]) => value === true).length;
    failed ||= right !== (version.startsWith("20.") ? 3 : 4);
    made.push({ version, bin });
  }
  for (const { version, bin } of made) {
    // Builds for the host's own Node, with each Node in turn on the PATH. Only with modules that need no second
    // compilation.
    const { bcrypt6 } = ABI_LOCKED;
    const system = build(version, `system-${version}`, `system@${version}`, { bcrypt6 });
    for (const other of made) {
      const { status, stderr } = run(join(system, "abi"), [], { PATH: `${other.bin}:/usr/bin:/bin` });
      const said = /(ABI_MISMATCH.*)/.exec(stderr)?.[1] ?? "";
      console.log(
        `Node ${version} on ${other.version}: ${status === 0 ? "starts" : `exit ${status}`} ${said}`,
      );
      failed ||= (status === 0) !== (other.bin === bin) || (status !== 0 && said === "");
    }
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
process.exitCode = failed ? 1 : 0;
