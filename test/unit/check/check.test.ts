/** The check command on real files: modules that this test run has loaded itself, and files that cannot load. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { check, runCheck, type RunCheckOptions } from "../../../src/check/check.ts";
import { findFiles } from "../../../src/check/find-files.ts";
import { toGantryError } from "../../../src/base/errors.ts";
import { captureHost } from "../../../src/host/captured.ts";
import { readHost } from "../../../src/host/host.ts";
import { hostRoot } from "../../../src/host/root.ts";
import { elfImage } from "../../support/elf/elf-image.mjs";
import { parseJson } from "../../support/json-schema.ts";

const inRepo = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const REAL = inRepo("node_modules/lightningcss-linux-x64-gnu/lightningcss.linux-x64-gnu.node");
const BUN = inRepo("node_modules/bun/bin/bun.exe");
const here = existsSync(REAL);

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "gantry-check-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function put(path: string, content: string | Uint8Array): string {
  const full = join(directory, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, content);
  return full;
}

function options(paths: readonly string[], more: Partial<RunCheckOptions> = {}): RunCheckOptions {
  const self = { path: process.execPath, versions: process.versions, arch: process.arch };
  return { paths, json: true, environment: {}, self, ...more };
}

it("walks directories for what is native, without following links, in a stable order", () => {
  put("b/x.node", "");
  put("b/libz.so.1.2", "");
  put("b/readme.md", "");
  put("b/program", elfImage({ type: 2 }));
  put("b/script", "#!/bin/sh\n");
  put("a.dll", "");
  symlinkSync(join(directory, "b"), join(directory, "linked"));
  symlinkSync("x.node", join(directory, "b/also.node"));
  const found = findFiles([directory]).map(({ path }) => path.slice(directory.length + 1));
  expect(found).toEqual(["a.dll", "b/libz.so.1.2", "b/program", "b/x.node"]);
  const named = join(directory, "b/readme.md");
  expect(findFiles([named])).toEqual([{ path: named, walked: false }]);
  expect(() => findFiles([join(directory, "none")])).toThrow(/ENOENT/);
});

it("refuses every path that names nothing, and says which argument it was", async () => {
  const more = { runtime: join(directory, "no-node"), hostFactsFile: join(directory, "no-facts.json") };
  const failure = await runCheck(options([directory, join(directory, "none")], more)).catch(toGantryError);
  expect(failure).toMatchObject({
    exit: 64,
    findings: [
      { code: "USAGE", what: expect.stringMatching(/^there is no file and no directory ".*\/none"$/) },
      { code: "USAGE", what: expect.stringMatching(/^--runtime names ".*\/no-node"/) },
      { code: "USAGE", what: expect.stringMatching(/^--host names ".*\/no-facts\.json"/) },
    ],
  });
});

describe("the report", () => {
  it("has a verdict and the code for each file, and 69 when one fails", async () => {
    const text = put("broken.node", "<html>");
    const { exit, output } = await runCheck(options([text]));
    expect(exit).toBe(69);
    expect(parseJson("check", output)).toMatchObject({
      schema: 1,
      runtime: { kind: "node", version: { value: process.versions.node }, findings: [] },
      files: [{ path: text, verdict: "fail", findings: [{ code: "ELF_MALFORMED", severity: "error" }] }],
    });
  });

  it("fits 80 columns, without colour by default, and escapes control characters", async () => {
    const path = put("evil\u001b[31m.node", elfImage({ needed: [`lib${"x".repeat(300)}\u001b[0m.so`] }));
    const plain = await runCheck(options([path], { json: false }));
    expect(plain.output.split("\n").filter((line) => line.length > 80)).toEqual([]);
    expect(plain.output).not.toContain("\u001b");
    const coloured = await runCheck(options([path], { json: false, colour: true }));
    expect(coloured.output).toContain("\u001b[31mfail");
    expect(coloured.output).not.toContain("[0m.so");
  });

  it("skips other platforms' builds in a directory when one loads, unless named", () => {
    const packages = "app/node_modules";
    const good = { needed: [], symbols: [{ name: "napi_register_module_v1", defined: true }] };
    const machine = process.arch === "arm64" ? 183 : 62;
    put(`${packages}/multi/prebuilds/here.node`, elfImage({ ...good, machine }));
    const other = put(`${packages}/multi/prebuilds/other.node`, elfImage({ ...good, machine: 22 }));
    put(`${packages}/@scope/here/a.node`, elfImage({ ...good, machine }));
    put(`${packages}/@scope/there/a.node`, elfImage({ ...good, machine: 22 }));
    put(`${packages}/only-there/a.node`, elfImage({ ...good, machine: 22 }));
    put(`${packages}/multi/prebuilds/damaged.node`, "");
    const verdicts = check(options([join(directory, "app")])).files;
    const short = verdicts.map(({ path, verdict }) => [path.slice(directory.length + 18), verdict]);
    expect(short.filter(([, verdict]) => verdict === "fail")).toEqual([
      ["multi/prebuilds/damaged.node", "fail"],
      ["only-there/a.node", "fail"],
    ]);
    expect(check(options([other])).files[0]?.verdict).toBe("fail");
  });

  it("makes a finding of a file that may not be read", () => {
    const [answer] = check(options([directory, put("a.node", "")])).files;
    expect(answer?.verdict).toBe("fail");
  });

  it("downgrades what GANTRY_SKIP names, and says so", async () => {
    const path = put("broken.node", "<html>");
    const environment = { GANTRY_SKIP: "ELF_MALFORMED" };
    const { exit, output } = await runCheck(options([path], { environment, json: false }));
    expect(exit).toBe(0);
    expect(output.replaceAll(/\s+/g, " ")).toContain("skipped by GANTRY_SKIP");
  });
});

describe.skipIf(!here)("a real module (skipped where npm installed no linux-x64-gnu build)", () => {
  it("loads here by its verdict, and really does", () => {
    const code = "process.dlopen({ exports: {} }, process.argv[1])";
    expect(spawnSync(process.execPath, ["-e", code, REAL]).status).toBe(0);
    expect(check(options([REAL])).files).toEqual([{ path: REAL, verdict: "ok", findings: [] }]);
  });

  it("is refused by a host whose glibc is older, from that host's facts", async () => {
    const view = readHost({ env: {}, arch: "x64" });
    const captured = captureHost(view, hostRoot().list);
    const old = JSON.parse(JSON.stringify(captured), (key, value: unknown) =>
      key === "versionDefinitions" && Array.isArray(value)
        ? value.filter((name) => !/^GLIBC_2\.(1[4-9]|[23]\d)/.test(String(name)))
        : value,
    );
    const same = put("same.json", JSON.stringify({ host: captured }));
    const older = put("older.json", JSON.stringify({ host: old }));
    expect((await runCheck(options([REAL], { hostFactsFile: same }))).exit).toBe(0);
    const refused = check(options([REAL], { hostFactsFile: older }));
    expect(refused.files[0]?.findings[0]?.code).toBe("LIBC_TOO_OLD");
    expect(refused.runtimeFindings[0]?.code).toBe("LIBC_TOO_OLD");
  });

  it.skipIf(!existsSync(BUN))("loads in a real Bun by its verdict, and really does", () => {
    const code = "process.dlopen({ exports: {} }, process.argv.at(-1))";
    expect(spawnSync(BUN, ["-e", code, REAL]).status).toBe(0);
    const report = check(options([REAL], { runtime: BUN }));
    expect(report.runtime.kind).toBe("bun");
    expect(report.files[0]?.verdict).not.toBe("fail");
  });
});
