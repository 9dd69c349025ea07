import { copyFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { arch, platform } from "node:os";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { buildNatives, refuseUnbuilt, type BuildNativesOptions } from "../../../../src/build/node/natives.ts";
import { parseTarget } from "../../../../src/release/targets.ts";
import { findingsOf, makeDirectory, writeFiles } from "../../../support/build/scratch.ts";

/** A real native file: the one that TypeScript's bundler tools bring for this machine. */
const NATIVE = createRequire(import.meta.url).resolve("@rolldown/binding-linux-x64-gnu");
/** A real shared library that is no addon: one of those that this process runs on. */
const LIBRARY = (process.report.getReport() as { sharedObjects: string[] }).sharedObjects.find((path) =>
  /\/libm[.-]/.test(path),
);
const target = parseTarget("linux-x64-gnu");
const found = (name: string) => ({ path: name, name, version: "1.0.0", neededBy: [name] });

let modules = "";
let said: string[] = [];
const options = (more: Partial<BuildNativesOptions> = {}): BuildNativesOptions => ({
  modules,
  closure: [],
  policy: { allows: () => true, refusal: () => "" },
  node: {
    directory: dirname(dirname(process.execPath)),
    executable: process.execPath,
    version: process.versions.node,
    abi: Number(process.versions.modules),
    napi: undefined,
    system: false,
  },
  target,
  native: true,
  work: makeDirectory(),
  environment: { PATH: process.env["PATH"] ?? "/usr/bin:/bin" },
  log: { info: (text) => said.push(text) },
  ...more,
});
const put = (name: string, path: string): void => {
  mkdirSync(dirname(join(modules, name, path)), { recursive: true });
  copyFileSync(NATIVE, join(modules, name, path));
};
const writePackage = (name: string, json: object, files: Record<string, string> = {}): void =>
  writeFiles(join(modules, name), { "package.json": { name, version: "1.0.0", ...json }, ...files });

beforeEach(() => {
  modules = makeDirectory();
  said = [];
});

describe.skipIf(platform() !== "linux" || arch() !== "x64")("buildNatives", () => {
  /** Its script leaves what node-gyp and node-pre-gyp leave, and says which Node ran it. */
  const MAKE = `mkdir -p build/Release/obj.target build-tmp-napi-v3 build/deps && cp ${NATIVE} build/Release/a.node && cp ${LIBRARY} build/Release/test_extension.node &&
    cp ${NATIVE} build/Release/obj.target/a.node && touch build/Makefile build/Release/a.o build-tmp-napi-v3/x.node &&
    node -p "process.execPath + ' ' + process.env.npm_config_nodedir" > ran && : node-gyp`;

  it("runs the script of a package without a file by that Node, and keeps the result", async () => {
    writePackage("made", { scripts: { install: MAKE } });
    expect(await buildNatives(options({ closure: [found("made")] }))).toEqual(new Map());
    const ran = readFileSync(join(modules, "made/ran"), "utf8");
    expect(ran).toBe(`${process.execPath} ${dirname(dirname(process.execPath))}\n`);
    const made = ["a.node", "test_extension.node", "obj.target", "a.o"].map(
      (name) => `build/Release/${name}`,
    );
    const left = [...made, "build/Makefile"];
    expect(left.filter((path) => existsSync(join(modules, "made", path)))).toEqual(["build/Release/a.node"]);
    expect(existsSync(join(modules, "made/build-tmp-napi-v3"))).toBe(false);
    expect(said).toHaveLength(1);
  });

  it.each([
    ["a prebuild", (name: string) => put(name, "prebuilds/linux-x64/node.node")],
    [
      "a prebuild of this ABI",
      (name: string) => put(name, `prebuilds/linux-x64/n.abi${process.versions.modules}.node`),
    ],
    [
      "a variant for the platform",
      (name: string) => {
        writePackage(name, {
          scripts: { install: "node-gyp rebuild" },
          optionalDependencies: { variant: "1" },
        });
        writePackage("variant", {});
        put("variant", "index.node");
      },
    ],
  ])("runs nothing for %s", async (_, provide) => {
    writePackage("ready", { scripts: { install: "node-gyp rebuild" } });
    provide("ready");
    await buildNatives(options({ closure: [found("ready"), found("variant")] }));
    expect(said).toEqual([]);
  });

  it("runs nothing for a package whose script may not run", async () => {
    writePackage("refused", { scripts: { install: "false # node-gyp" } });
    const policy = { allows: () => false, refusal: () => "" };
    expect(await buildNatives(options({ closure: [found("refused")], policy }))).toEqual(new Map());
    expect(said).toEqual([]);
  });

  it("runs it where the prebuilds are for others", async () => {
    writePackage("foreign", { scripts: { install: "false # node-gyp" } });
    put("foreign", "prebuilds/linux-arm64/node.node");
    put("foreign", "prebuilds/linux-x64/n.abi1.node");
    const missing = await buildNatives(options({ closure: [found("foreign")] }));
    expect([...missing.keys()]).toEqual(["foreign"]);
  });

  it.each([
    [
      "fails",
      "echo 'gyp: fatal error: no compiler' >&2; exit 7 # node-gyp",
      /failed \(exit 7\): .*no compiler/,
    ],
    ["makes nothing", "echo none # prebuild-install", /ended well and made no native file: none/],
  ])(
    "a script that %s is refused with its words, unless the app starts without it",
    async (_, install, reason) => {
      writePackage("bad", { scripts: { install } });
      const closure = [found("bad")];
      const missing = await buildNatives(options({ closure }));
      expect(missing.get("bad")?.reason).toMatch(reason);
      refuseUnbuilt(missing, closure, new Set(["bad"]));
      const findings = await findingsOf(() => refuseUnbuilt(missing, closure, new Set()));
      expect(findings).toMatchObject([{ code: "MODULE_UNAVAILABLE", where: "node_modules/bad" }]);
      expect(findings[0]?.detail?.[0]).toMatch(reason);
    },
  );

  it("runs nothing for a machine of another kind", async () => {
    writePackage("cross", { scripts: { install: `touch ran # node-gyp` } });
    const other = { target: parseTarget("linux-arm64-gnu"), native: false };
    const missing = await buildNatives(options({ closure: [found("cross")], ...other }));
    expect(missing.get("cross")?.reason).toMatch(/run on a machine of the kind linux-arm64-gnu: touch ran/);
    expect(missing.get("cross")?.fix).toMatch(/^build this target on a machine of the kind linux-arm64-gnu/);
    expect(existsSync(join(modules, "cross/ran"))).toBe(false);
  });
});
