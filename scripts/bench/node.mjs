// Measures a Node release: time until it is healthy, and memory, beside the TypeScript loader that people use in
// development and a plain Node, in one run.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../install.mjs";
import { TSX } from "../pins.mjs";
import { BUN, must, record } from "./measure.mjs";

const FIXTURE = join(root, "test/fixtures/test-node-brain");
const ROUNDS = 24;

/** Resident kilobytes of a process and all its children (proc(5), VmRSS). @param {number} pid @returns {number} */
function residentOf(pid) {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const own = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
    .split(" ")
    .filter((id) => id !== "");
  return children.reduce((sum, id) => sum + residentOf(Number(id)), own);
}

/**
 * One start: milliseconds until /api/health responds, and megabytes then. The app prints its address, so no polling
 * takes processor time from it.
 * @param {readonly string[]} argv @param {string} cwd
 */
async function start(argv, cwd) {
  const [file = "", ...args] = argv;
  const env = { PATH: "/usr/bin:/bin", HOME: cwd, PORT: "0", NODE_BRAIN_DATA: join(cwd, "data") };
  const begun = performance.now();
  const child = spawn(file, args, { cwd, env, stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "close");
  try {
    const [said] = await Promise.race([once(child.stdout, "data"), ended]);
    const [url] = /http:\S+/.exec(String(said)) ?? [];
    if (url === undefined) throw new Error(`${argv.join(" ")} does not listen`);
    const response = await fetch(`${url}/api/health`);
    if (response.status !== 200) throw new Error(`${argv.join(" ")} is not healthy`);
    return { healthy: performance.now() - begun, resident: residentOf(child.pid ?? 0) / 1024 };
  } finally {
    child.kill("SIGTERM");
    await ended;
  }
}

/**
 * The lower quartile. Starts take a tenth of a second, and on a busy machine their medians vary by more than that.
 * @param {number[]} values
 */
const typical = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 4)] ?? Number.NaN;

/** @param {string} work */
export async function benchNode(work) {
  const out = join(work, "node-out");
  const cli = join(root, "dist/cli.js");
  must(process.execPath, [cli, "build", FIXTURE, "--out", out, "--bun", BUN], root);
  const release = join(
    out,
    readdirSync(out).find((entry) => existsSync(join(out, entry, "node-brain"))) ?? "",
  );
  must(join(release, "gantry"), ["prepare"], work);
  const node = join(release, "lib/node");

  // The usual way in development, and sometimes in production: everything installed, TypeScript compiled at each
  // start.
  const app = join(work, "node-app");
  cpSync(FIXTURE, app, { recursive: true });
  const file = join(app, "package.json");
  const json = JSON.parse(readFileSync(file, "utf8"));
  writeFileSync(file, JSON.stringify({ ...json, devDependencies: { ...json.devDependencies, tsx: TSX } }));
  must(BUN, ["install", "--no-progress", "--ignore-scripts"], app);
  cpSync(join(app, "migrations"), join(app, "src/migrations"), { recursive: true });
  cpSync(join(app, "public"), join(app, "src/public"), { recursive: true });

  const commands = {
    "./node-brain": [join(release, "node-brain")],
    "node lib/app/index.js": [node, join(release, "lib/app/index.js")],
    "tsx src/index.ts": [node, join(app, "node_modules/tsx/dist/cli.mjs"), join(app, "src/index.ts")],
    "node --import tsx": [
      node,
      "--import",
      join(app, "node_modules/tsx/dist/esm/index.mjs"),
      join(app, "src/index.ts"),
    ],
  };
  const cwd = join(work, "node-cwd");
  mkdirSync(cwd, { recursive: true });
  /** @type {Record<string, { healthy: number[], resident: number[] }>} */
  const seen = Object.fromEntries(Object.keys(commands).map((name) => [name, { healthy: [], resident: [] }]));
  // One run of each in turn, so that other load on the machine affects all alike. The first round warms the disk's
  // cache.
  for (let round = 0; round <= ROUNDS; round += 1) {
    const all = Object.entries(commands);
    // In random order, so that the same one does not always follow the same other one.
    const shuffled = all.map((entry) => ({ entry, at: Math.random() })).toSorted((a, b) => a.at - b.at);
    for (const [name, argv] of shuffled.map(({ entry }) => entry)) {
      const { healthy, resident } = await start(argv, cwd);
      if (round === 0) continue;
      seen[name]?.healthy.push(healthy);
      seen[name]?.resident.push(resident);
    }
  }
  /** @param {keyof typeof commands} name @param {"healthy" | "resident"} what */
  const of = (name, what) => typical(seen[name]?.[what] ?? []);
  record("Node release: start to healthy", of("./node-brain", "healthy"), "ms", "< 5000");
  record(
    "Node release: start to healthy / plain node lib/app/index.js",
    of("./node-brain", "healthy") / of("node lib/app/index.js", "healthy"),
    "ratio",
    "<= 1.1",
  );
  record("Node release: memory when healthy", of("./node-brain", "resident"), "MB", "< 120");
  for (const loader of /** @type {const} */ (["tsx src/index.ts", "node --import tsx"])) {
    record(
      `Node release: start to healthy / ${loader}`,
      of("./node-brain", "healthy") / of(loader, "healthy"),
      "ratio",
    );
    record(
      `Node release: memory / ${loader}`,
      of("./node-brain", "resident") / of(loader, "resident"),
      "ratio",
    );
  }
}
