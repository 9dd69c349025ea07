/**
 * Verdicts on other hosts, from facts read out of their root directories, against what really happens there when
 * the same file is loaded by the same runtime.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { captureHost } from "../../src/host/captured.ts";
import { readHost } from "../../src/host/host.ts";
import { hostRoot } from "../../src/host/root.ts";
import { debianRoot, enter, muslCppRoot, npmPackage } from "../support/roots/roots.ts";

const repository = fileURLToPath(new URL("../..", import.meta.url));
let lab = "";

/** What is loaded: name in the lab, and the packages that the files come from. */
const MODULES = {
  "libsql-gnu.node": ["libsql-gnu", "index.node"],
  "libsql-musl.node": ["libsql-musl", "index.node"],
  "bcrypt-gnu.node": ["bcrypt", "prebuilds/linux-x64/bcrypt.glibc.node"],
  "bcrypt-musl.node": ["bcrypt", "prebuilds/linux-x64/bcrypt.musl.node"],
  "bcrypt-arm64.node": ["bcrypt", "prebuilds/linux-arm64/bcrypt.glibc.node"],
} as const;

beforeAll(() => {
  lab = mkdtempSync(join(tmpdir(), "gantry-verdicts-"));
  chmodSync(lab, 0o755);
  mkdirSync(join(lab, "musl"));
  copyFileSync(join(repository, "node_modules/bun/bin/bun.exe"), join(lab, "bun-gnu"));
  copyFileSync(join(npmPackage("bun-linux-x64-musl"), "bin/bun"), join(lab, "bun-musl"));
  for (const name of ["bun-gnu", "bun-musl"]) chmodSync(join(lab, name), 0o755);
  for (const [name, [packed, path]] of Object.entries(MODULES)) {
    copyFileSync(join(npmPackage(packed), path), join(lab, name));
  }
  // pthread_create moved into libc.so.6 with a new version in glibc 2.34: built here, it is too new for Debian 11.
  writeFileSync(
    join(lab, "new.c"),
    "#include <pthread.h>\nvoid *napi_register_module_v1(void) { return (void *)pthread_create; }\n",
  );
  execFileSync("gcc", ["-shared", "-fPIC", "-o", join(lab, "new.node"), join(lab, "new.c")]);
});
afterAll(() => rmSync(lab, { recursive: true }));

const FILES = [...Object.keys(MODULES), "new.node"];

/** `loads`, or the loader's own words. */
function loadThere(root: string, runtime: string, name: string): string {
  const script = `try { process.dlopen({ exports: {} }, "/lab/${name}"); console.log("loads") } catch (error) { console.log(error.message) }`;
  const result = enter(root, [`/lab/${runtime}`, "-e", script], { mounts: { "/lab": lab } });
  return `${result.stdout}${result.stderr}`.trim();
}

interface Report {
  readonly files: readonly {
    readonly path: string;
    readonly verdict: string;
    readonly findings: { code: string }[];
  }[];
}

/** Judged from this machine, with nothing but a file of facts about the other one. */
function judgeFromHere(root: string, runtime: string): Report {
  const facts = join(lab, "facts.json");
  writeFileSync(facts, JSON.stringify(captureHost(readHost({ root, env: {} }), hostRoot(root).list)));
  const args = ["dist/cli.js", "check", "--json", "--host", facts, "--runtime", join(lab, runtime)];
  const result = spawnSync(process.execPath, [...args, ...FILES.map((name) => join(lab, name))], {
    cwd: repository,
    encoding: "utf8",
  });
  if (result.stdout === "") throw new Error(result.stderr);
  return JSON.parse(result.stdout) as Report;
}

/** The first finding's code for each file that is refused. */
type Reasons = Readonly<Record<string, string>>;
const ON_GLIBC: Reasons = {
  "libsql-musl.node": "LIBC_MISMATCH",
  "bcrypt-musl.node": "LIBC_MISMATCH",
  "bcrypt-arm64.node": "HOST_UNSUPPORTED",
};
const ON_MUSL: Reasons = {
  "libsql-gnu.node": "LIBC_MISMATCH",
  "bcrypt-gnu.node": "LIBC_MISMATCH",
  "bcrypt-arm64.node": "HOST_UNSUPPORTED",
  "new.node": "LIBC_MISMATCH",
};

describe.each([
  ["Debian 11", "bun-gnu", { ...ON_GLIBC, "new.node": "LIBC_TOO_OLD" }, () => debianRoot("bullseye")],
  ["Debian 12", "bun-gnu", ON_GLIBC, () => debianRoot("bookworm")],
  ["Debian 13", "bun-gnu", ON_GLIBC, () => debianRoot("trixie")],
  ["a musl host", "bun-musl", ON_MUSL, () => muslCppRoot()],
] as const)("on %s", (_, runtime, reasons, makeRoot) => {
  let root = "";
  let report: Report;
  beforeAll(() => {
    root = makeRoot();
    report = judgeFromHere(root, runtime);
  });

  it("the runtime itself starts", () => {
    expect(enter(root, [`/lab/${runtime}`, "--version"], { mounts: { "/lab": lab } })).toMatchObject({
      code: 0,
    });
  });

  it.each(FILES)("%s: the verdict is what happens", (name) => {
    const judged = report.files.find(({ path }) => path.endsWith(`/${name}`));
    const real = loadThere(root, runtime, name);
    expect({ name, real, loads: real === "loads" }).toEqual({
      name,
      real,
      loads: judged?.verdict !== "fail",
    });
  });

  it("each refusal has the right reason", () => {
    const refused = report.files.filter(({ verdict }) => verdict === "fail");
    const codes = refused.map(({ path, findings }) => [path.slice(lab.length + 1), findings[0]?.code]);
    expect(Object.fromEntries(codes)).toEqual(reasons);
  });
});
