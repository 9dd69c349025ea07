#!/usr/bin/env node
// Compares what `check` says about another host, from its captured facts, with what really happens there.
// usage: corpus-host.mjs DIST ROOT DIR RUNTIME...       (as root: it loads every module in a chroot)
//   DIST     the built program (dist)
//   ROOT     root directory of the other host, for example an unpacked image
//   DIR      corpus/…/*.node to judge; mounted at ROOT/gantry-corpus in a private mount namespace
//   RUNTIME  paths below DIR of the executables to load with, for example runtimes/bun1.4
// Prints one line per runtime and every disagreement; exits 1 when there is one.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [dist = "", root = "", dir = "", ...runtimes] = process.argv.slice(2);
if (runtimes.length === 0) {
  console.error("usage: corpus-host.mjs DIST ROOT DIR RUNTIME...");
  process.exit(64);
}
/** @param {string} name */
const load = (name) => import(pathToFileURL(resolve(dist, name)).href);
const { readHost } = await load("host/host.js");
const { captureHost } = await load("host/captured.js");
const { hostRoot } = await load("host/root.js");

const work = mkdtempSync(join(tmpdir(), "gantry-corpus-host-"));
const inside = join(root, "gantry-corpus");
mkdirSync(inside, { recursive: true });
try {
  const view = readHost({ root: resolve(root), env: {} });
  const facts = join(work, "host.json");
  writeFileSync(facts, JSON.stringify(captureHost(view, hostRoot(resolve(root)).list)));
  console.log(root, JSON.stringify(view.facts.libc));
  const files = readdirSync(join(dir, "corpus"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".node"))
    .map((file) => join("corpus", file))
    .toSorted();
  for (const runtime of runtimes) compare(runtime, files, facts);
} finally {
  rmSync(work, { recursive: true, force: true });
  rmdirSync(inside);
}

/**
 * @param {string} runtime
 * @param {string[]} files
 * @param {string} facts
 */
function compare(runtime, files, facts) {
  const program = resolve(dist, "cli.js");
  const args = [program, "check", "--json", "--host", facts, "--runtime", resolve(dir, runtime)];
  const run = spawnSync(process.execPath, [...args, ...files.map((file) => resolve(dir, file))], {
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  if (run.stdout === "") throw new Error(run.stderr);
  /** @type {{ runtime: { findings: { what: string }[] }, files: { path: string, verdict: string, findings: { code: string, what: string }[] }[] }} */
  const report = JSON.parse(run.stdout);
  const real = loadAll(runtime, files);
  const count = { agree: 0, "false ok": 0, "false fail": 0, "warn/loaded": 0, "warn/failed": 0 };
  for (const finding of report.runtime.findings) console.log(`  runtime: ${finding.what}`);
  for (const [index, file] of files.entries()) {
    const answer = report.files[index];
    const loaded = real.get(file) === "loaded";
    const verdict = answer?.verdict;
    if (verdict === "warn") count[loaded ? "warn/loaded" : "warn/failed"] += 1;
    else if ((verdict === "ok") === loaded) count.agree += 1;
    else {
      count[loaded ? "false fail" : "false ok"] += 1;
      console.log(`  ${loaded ? "false fail" : "false ok"}\t${file}\t${answer?.findings[0]?.what ?? ""}`);
      process.exitCode = 1;
    }
  }
  console.log(
    `${runtime}\t${Object.entries(count)
      .map(([key, value]) => `${key} ${value}`)
      .join("  ")}`,
  );
}

/**
 * The result of loading each file, by the runtime itself inside the other root.
 * @param {string} runtime
 * @param {string[]} files
 */
function loadAll(runtime, files) {
  const script = `
    set -u
    mount --bind "$DIR" "$ROOT/gantry-corpus"
    mount -t proc proc "$ROOT/proc"
    mount --rbind /dev "$ROOT/dev"
    exec chroot "$ROOT" /bin/sh -c '
      cd /gantry-corpus
      while IFS= read -r file; do
        said=$(FILE="/gantry-corpus/$file" "/gantry-corpus/$RUNTIME" -e "$CODE" </dev/null 2>/dev/null)
        printf "%s\\t%s\\n" "$said" "$file"
      done'`;
  // Written at once, because some modules load and then crash while the process ends.
  const code = "process.dlopen({exports:{}}, process.env.FILE); require('fs').writeSync(1, 'loaded')";
  const run = spawnSync("unshare", ["--mount", "sh", "-c", script], {
    input: files.join("\n") + "\n",
    encoding: "utf8",
    maxBuffer: 1 << 28,
    env: {
      PATH: process.env["PATH"],
      DIR: resolve(dir),
      ROOT: resolve(root),
      RUNTIME: runtime,
      CODE: code,
    },
  });
  const lines = run.stdout
    .trim()
    .split("\n")
    .map((line) => line.split("\t"));
  return new Map(lines.map(([said, file]) => [file, said]));
}
