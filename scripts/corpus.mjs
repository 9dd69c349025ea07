#!/usr/bin/env node
// Counts how often the reason that `check` gives is the one that the loader gave.
// usage: corpus.mjs DIR TRUTH.tsv CLI.js [RUNTIME=EXE[,HOST.json]]...
//   DIR        corpus/<name with / as +>@<version>/node_modules/<name>/… and runtimes/<name>
//   TRUTH.tsv  package, version, path, sha256, runtime, outcome, message: what really happened
//   CLI.js     the built command line, dist/cli.js
//   RUNTIME=…  a runtime of the truth file that is elsewhere, with the facts of its host
// A refusal agrees when the first error of `check` has the code that the loader's message stands for and names
// the same thing: the library, the symbol, the version, the machine. Messages may be cut off in the truth file.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { basename, resolve } from "node:path";

const [dir, truthFile, cli, ...extra] = process.argv.slice(2);
if (dir === undefined || truthFile === undefined || cli === undefined) {
  console.error("usage: corpus.mjs DIR TRUTH.tsv CLI.js [RUNTIME=EXE[,HOST.json]]...");
  process.exit(64);
}
/** @type {Map<string, { exe: string, host: string | undefined }>} */
const elsewhere = new Map();
for (const argument of extra) {
  const [name = "", rest = ""] = argument.split("=");
  const [exe = "", host] = rest.split(",");
  elsewhere.set(name, { exe, host });
}

const rows = readFileSync(truthFile, "utf8")
  .trim()
  .split("\n")
  .slice(1)
  .map((line) => {
    const [name = "", version = "", path = "", , runtime = "", outcome = "", message = ""] = line.split("\t");
    const packageDir = `${name.replaceAll("/", "+")}@${version}`;
    const file = resolve(dir, "corpus", packageDir, "node_modules", name, path);
    return { file, runtime, outcome, message };
  })
  .filter(({ file }) => file.endsWith(".node") && existsSync(file));

/** @typedef {{ code: string, severity: string, evidence: string, what: string, symbols?: string[] }} Finding */

/**
 * @param {string} text
 * @returns {(finding: Finding) => boolean}
 */
function says(text) {
  return (finding) =>
    [finding.evidence, finding.what, ...(finding.symbols ?? [])].some((part) => part.includes(text));
}

function any() {
  return true;
}

/**
 * What a loader's message means: accepted codes, and the text that the finding must contain.
 * @param {string} message
 * @param {string} file
 * @returns {{ codes: string[], names: (finding: Finding) => boolean, kind: string }}
 */
function expectation(message, file) {
  const own = basename(file);
  let match = /NODE_MODULE_VERSION (\d+)/.exec(message);
  if (match) return { kind: "ABI", codes: ["ABI_MISMATCH"], names: says(match[1] ?? "") };
  // The file's own path may be so long that the number is cut off.
  if (/was compiled against|^\S* ?The module '/.test(message))
    return { kind: "ABI", codes: ["ABI_MISMATCH"], names: any };
  if (/self-register|'napi_register_module_v1' not found/.test(message)) {
    return { kind: "registration", codes: ["MODULE_UNAVAILABLE", "ABI_MISMATCH"], names: any };
  }
  // musl checks neither class nor machine, so a foreign file fails there for any reason.
  match = /is linked against glibc \(DT_NEEDED ([\w.+-]+),/.exec(message);
  if (match || /is linked against/.test(message)) {
    const name = match?.[1] ?? "";
    const names = (/** @type {Finding} */ finding) =>
      finding.code === "HOST_UNSUPPORTED" || says(name)(finding);
    return { kind: "glibc on musl", codes: ["LIBC_MISMATCH", "HOST_UNSUPPORTED"], names };
  }
  if (/\.node: unsupported/.test(message))
    return { kind: "machine", codes: ["HOST_UNSUPPORTED"], names: any };
  match = /(\S+): initial-exec TLS/.exec(message);
  if (match) return { kind: "static TLS", codes: ["LIBC_MISMATCH"], names: says("initial-exec TLS") };
  match = /undefined symbol: (\w+)/.exec(message) ?? /Error relocating \S+: (\w+)/.exec(message);
  if (match)
    return { kind: "symbol", codes: ["SYMBOL_MISSING", "HOST_UNSUPPORTED"], names: says(match[1] ?? "") };
  if (/^\S+ Error loading shared library \S*(\.node: Exec form|\.node: $|\.node: E|\.node:$)/.test(message))
    return { kind: "machine", codes: ["HOST_UNSUPPORTED", "ELF_MALFORMED"], names: any };
  match = /Error loading shared library ([\w.+-]+): .*needed by/.exec(message);
  if (match) {
    const codes = ["LIBRARY_MISSING", "LIBC_MISMATCH", "HOST_UNSUPPORTED"];
    const name = match[1] ?? "";
    return {
      kind: "library",
      codes,
      names: (finding) => finding.code === "HOST_UNSUPPORTED" || says(name)(finding),
    };
  }
  if (/wrong ELF class/.test(message))
    return { kind: "class", codes: ["HOST_UNSUPPORTED"], names: says("ELFCLASS32") };
  if (/OS ABI invalid/.test(message))
    return { kind: "OS ABI", codes: ["HOST_UNSUPPORTED"], names: says("OS ABI") };
  match = /(?:^|[\s/])([\w.@+-]+): (?:invalid ELF header|cannot open)/.exec(message);
  if (match && match[1] !== own) {
    return { kind: "library", codes: ["LIBRARY_MISSING", "LIBC_MISMATCH"], names: says(match[1] ?? "") };
  }
  if (/invalid ELF header/.test(message)) {
    return { kind: "container", codes: ["HOST_UNSUPPORTED", "ELF_MALFORMED"], names: any };
  }
  // glibc skips a file of another machine and then reports that there is none.
  if (/\.node: cannot open/.test(message))
    return { kind: "machine", codes: ["HOST_UNSUPPORTED"], names: any };
  return { kind: `other: ${message.slice(0, 60)}`, codes: [], names: any };
}

let agreed = 0;
let refused = 0;
const runtimes = [...new Set(rows.map(({ runtime }) => runtime))].toSorted();
for (const runtime of runtimes) {
  const { exe, host } = elsewhere.get(runtime) ?? { exe: resolve(dir, "runtimes", runtime), host: undefined };
  if (!existsSync(exe)) {
    console.log(`${runtime}\tnot here`);
    continue;
  }
  const mine = rows.filter((row) => row.runtime === runtime);
  const args = [cli, "check", "--json", "--runtime", exe, ...(host === undefined ? [] : ["--host", host])];
  const run = spawnSync(process.execPath, [...args, ...mine.map(({ file }) => file)], {
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  if (run.stdout === "") throw new Error(`${runtime}: ${run.stderr}`);
  /** @type {{ files: { path: string, verdict: string, findings: Finding[] }[] }} */
  const report = JSON.parse(run.stdout);
  const answers = new Map(report.files.map((file) => [resolve(file.path), file]));
  const count = { refusals: 0, agree: 0, "false ok": 0, "false fail": 0, warned: 0 };
  for (const { file, outcome, message } of mine) {
    const answer = answers.get(file);
    const loaded = outcome.startsWith("loaded");
    if (answer?.verdict === "warn") count.warned += 1;
    if (loaded && answer?.verdict === "fail") count["false fail"] += 1;
    if (!loaded && answer?.verdict === "ok") count["false ok"] += 1;
    if ((loaded && answer?.verdict === "fail") || (!loaded && answer?.verdict === "ok")) {
      console.log(
        `  wrong\t${file.split("/corpus/")[1]}\t${outcome} ${message.slice(-90)}\t${answer.findings[0]?.what ?? ""}`,
      );
    }
    if (loaded || answer?.verdict !== "fail") continue;
    count.refusals += 1;
    const wanted = expectation(message, file);
    const [first] = answer.findings;
    if (first !== undefined && wanted.codes.includes(first.code) && wanted.names(first)) count.agree += 1;
    else if (outcome === "error") {
      console.log(
        `  differs\t${wanted.kind}\t${file.split("/corpus/")[1]}\t${message.slice(-90)}\t${first?.code}: ${first?.evidence}`,
      );
    } else
      console.log(`  crash\t${outcome}\t${file.split("/corpus/")[1]}\t${first?.code}: ${first?.evidence}`);
  }
  agreed += count.agree;
  refused += count.refusals;
  console.log(
    `${runtime}\t${Object.entries(count)
      .map(([key, value]) => `${key} ${value}`)
      .join("  ")}`,
  );
}
console.log(
  `the reason agrees for ${agreed} of ${refused} refusals (${((100 * agreed) / Math.max(1, refused)).toFixed(2)} %)`,
);
if (agreed < 0.98 * refused) process.exitCode = 1;
