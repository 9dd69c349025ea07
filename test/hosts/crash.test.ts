/** Modules that end the process instead of failing to load: real ones, compiled here, loaded by the release's own app. */
import { execFileSync } from "node:child_process";
import { rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Finding } from "../../src/base/errors.ts";
import { loadExternals, type LoadResult } from "../../src/modules/proof/load.ts";
import { readRelease, type Release } from "../../src/modules/release/unpacked.ts";
import { copyRelease, makeScratch, type Scratch } from "../support/app/release.ts";

let scratch: Scratch;
let release: Release;
let file = "";

beforeAll(() => {
  scratch = makeScratch();
  const root = copyRelease(scratch.directory);
  execFileSync(join(root, "gantry"), ["prepare"], { env: scratch.env, cwd: scratch.empty, stdio: "pipe" });
  release = readRelease(root);
  file = join(
    root,
    "node_modules",
    release.manifest.native.find(({ path }) => path.startsWith("bcrypt/"))?.path ?? "",
  );
});
afterAll(() => scratch.dispose());

/** Compiles a module whose constructor does something before anything can be registered. */
function compile(body: string, flags: readonly string[] = []): void {
  const source = join(scratch.directory, "module.c");
  writeFileSync(
    source,
    `__attribute__((constructor)) static void begin(void) { ${body} }\nvoid napi_register_module_v1(void) {}\n`,
  );
  rmSync(file);
  execFileSync("gcc", ["-shared", "-fPIC", "-w", "-o", file, source, ...flags]);
}

const load = (limit: number): Promise<LoadResult> =>
  loadExternals(
    release.manifest.externals.filter(({ name }) => name === "bcrypt"),
    {
      release,
      modules: join(release.layout.root, "node_modules"),
      environment: scratch.env,
      self: { os: process.platform, arch: process.arch, path: process.execPath, versions: {} },
      skip: new Set(),
      limit,
    },
  );

async function failure(limit = 60_000): Promise<Finding | undefined> {
  return (await load(limit)).failed.get("bcrypt");
}

describe("a module that", () => {
  it.each([
    ["writes to address 0", "*(volatile int *)0 = 1;", "SIGSEGV"],
    ["uses an instruction that does not exist", "__builtin_trap();", "SIGILL"],
    ["aborts", "extern void abort(void); abort();", "SIGABRT"],
    ["ends the process", "extern void _exit(int); _exit(3);", "exit 3"],
  ])("%s is LOAD_CRASHED", async (_, body, how) => {
    compile(body);
    const finding = await failure();
    expect(finding).toMatchObject({ code: "LOAD_CRASHED" });
    expect(finding?.what).toContain(how);
  });

  it("calls a missing function is LOAD_CRASHED with exit 127 or the symbol's name", async () => {
    compile("extern void nobody_has_this(void); nobody_has_this();", ["-Wl,-z,lazy"]);
    const finding = await failure();
    expect(finding?.code).toBe("LOAD_CRASHED");
    expect(finding?.what).toContain("exit 127");
    expect(JSON.stringify(finding)).toContain("nobody_has_this");
  });

  it("does not come back is LOAD_CRASHED when its time is up", async () => {
    compile("extern int pause(void); for (;;) pause();");
    const finding = await failure(3000);
    expect(finding).toMatchObject({ code: "LOAD_CRASHED" });
    expect(finding?.what).toContain("did not finish");
  });

  it("was cut off is a crash whose cause the file itself tells", async () => {
    compile("", ["-Wl,-z,separate-code"]);
    truncateSync(file, Math.floor(statSync(file).size / 4));
    const finding = await failure();
    expect(["LOAD_CRASHED", "ELF_MALFORMED"]).toContain(finding?.code);
    expect(JSON.stringify(finding)).toMatch(/ELF_MALFORMED/);
    expect(finding?.fix).toMatch(/\S/);
  });

  it("needs a newer C library is LIBC_TOO_OLD, in the loader's words too", async () => {
    const script = join(scratch.directory, "version.map");
    const stub = join(scratch.directory, "libc.so.6");
    writeFileSync(script, "GLIBC_9.99 { global: from_the_future; };\n");
    writeFileSync(join(scratch.directory, "future.c"), "void from_the_future(void) {}\n");
    const link = ["-shared", "-fPIC", "-nostdlib", "-Wl,-soname,libc.so.6", `-Wl,--version-script=${script}`];
    execFileSync("gcc", [...link, "-o", stub, join(scratch.directory, "future.c")]);
    compile("extern void from_the_future(void); from_the_future();", ["-nostdlib", stub]);
    const finding = await failure();
    expect(finding).toMatchObject({ code: "LIBC_TOO_OLD" });
    expect(finding?.what).toContain("9.99");
    expect(finding?.detail?.join(" ")).toContain("GLIBC_9.99");
  });
});
