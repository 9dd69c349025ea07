/**
 * Which room may know which: the linter's own answer to imports, static and dynamic, that are planted into a scratch
 * copy of the tree. How large a folder of a room is.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");

/** For each room, a file that imports what it must not know, and what it may. */
const PLANTED: Readonly<
  Record<string, { readonly refused: readonly string[]; readonly allowed: readonly string[] }>
> = {
  base: {
    refused: ["../release/index.ts", "../trust/index.ts"],
    allowed: ["./errors.ts", "./files/index.ts"],
  },
  "base/files": {
    refused: ["../../release/index.ts", "../process/run.ts"],
    allowed: ["../errors.ts", "../process/index.ts", "./durable.ts"],
  },
  elf: {
    refused: ["../host/index.ts", "../release/index.ts", "node:fs"],
    allowed: ["../base/errors.ts", "./file.ts"],
  },
  host: { refused: ["../compat/index.ts", "../elf/elf-file.ts"], allowed: ["../elf/index.ts", "node:fs"] },
  "host/libraries": {
    refused: ["../../compat/index.ts", "../../elf/elf-file.ts"],
    allowed: ["../../elf/index.ts", "../host-facts.ts", "../runtime/runtime.ts"],
  },
  compat: {
    refused: ["../check/index.ts", "../host/host-facts.ts", "node:fs"],
    allowed: ["../host/index.ts"],
  },
  "compat/rules": {
    refused: ["../../check/index.ts", "../../elf/elf-file.ts"],
    allowed: ["../../elf/index.ts", "../library-search.ts"],
  },
  check: { refused: ["../release/index.ts", "../compat/judge-files.ts"], allowed: ["../compat/index.ts"] },
  release: { refused: ["../runtime/index.ts", "../elf/index.ts"], allowed: ["../base/errors.ts"] },
  "release/signing": {
    refused: ["../../runtime/index.ts", "../../base/files/durable.ts"],
    allowed: ["../../base/files/index.ts", "../tree.ts"],
  },
  trust: { refused: ["../release/index.ts", "../base/files/optional.ts"], allowed: ["../base/text.ts"] },
  archive: { refused: ["../mirror/index.ts", "../release/layout.ts"], allowed: ["../release/index.ts"] },
  runtime: { refused: ["../mirror/index.ts", "../host/index.ts"], allowed: ["../release/index.ts"] },
  mirror: { refused: ["../modules/index.ts", "../archive/index.ts"], allowed: ["../runtime/index.ts"] },
  "mirror/http": {
    refused: ["../../modules/index.ts", "../../runtime/invoke.ts"],
    allowed: ["../address.ts", "../../release/index.ts"],
  },
  modules: {
    refused: [
      "node:process",
      "node:child_process",
      "../service/index.ts",
      "../host/host-facts.ts",
      "../archive/unpack.ts",
    ],
    allowed: ["../host/index.ts"],
  },
  "modules/location": {
    refused: ["../../service/index.ts", "../../host/host-facts.ts"],
    allowed: ["../../host/index.ts", "../tree/work.ts"],
  },
  service: {
    refused: [
      "node:process",
      "node:child_process",
      "../launcher/session.ts",
      "../archive/unpack.ts",
      "../build/index.ts",
    ],
    allowed: ["../archive/index.ts"],
  },
  "service/health": {
    refused: ["../../launcher/session.ts", "../../modules/ensure.ts"],
    allowed: ["../../modules/index.ts", "../systemd/systemctl.ts"],
  },
  "service/releases/import": {
    refused: ["../../../launcher/session.ts", "../../../archive/write.ts"],
    allowed: ["../../../archive/index.ts", "../candidate.ts"],
  },
  launcher: {
    refused: [
      "node:process",
      "node:child_process",
      "../build/index.ts",
      "../compat/skip.ts",
      "../check/index.ts",
      "../service/status.ts",
    ],
    allowed: ["../compat/index.ts"],
  },
  "launcher/commands": {
    refused: ["../../build/index.ts", "../../modules/ensure.ts"],
    allowed: ["../session.ts", "../../modules/index.ts"],
  },
  build: {
    refused: [
      "node:process",
      "node:child_process",
      "../launcher/main.ts",
      "../modules/index.ts",
      "../compat/judge-files.ts",
      "./lockfile/hoist.ts",
    ],
    allowed: ["../compat/index.ts", "./lockfile/index.ts", "./scratch.ts"],
  },
  "build/node": {
    refused: ["node:process", "../../service/index.ts", "../../elf/elf-file.ts", "../lockfile/hoist.ts"],
    allowed: ["../../elf/index.ts", "../lockfile/index.ts", "../scratch.ts", "./runtime.ts"],
  },
  "build/app": {
    refused: ["../../service/index.ts", "./settings/parse.ts"],
    allowed: ["../clues/index.ts", "./settings/index.ts", "./app.ts"],
  },
  "build/app/settings": {
    refused: ["node:process", "../../../service/index.ts", "../../clues/entry.ts", "../tools/find-bun.ts"],
    allowed: ["../../../release/index.ts", "../../clues/index.ts", "../tools/index.ts", "../app.ts"],
  },
  "build/preload": {
    refused: ["../../release/index.ts", "../../base/errors.ts", "../../release/layout.ts"],
    allowed: ["../../release/start/probe-protocol.ts"],
  },
  "build/compile/prelude": {
    refused: ["../../../release/index.ts", "../../../base/errors.ts", "../../../release/layout.ts"],
    allowed: ["../../../release/start/caller.ts", "../namespace.ts"],
  },
  "build/node/start": {
    refused: ["../../../release/index.ts", "../../../base/errors.ts", "../../../release/layout.ts"],
    allowed: ["../../../release/start/names.ts", "../../preload/index.ts"],
  },
  commands: {
    refused: ["../build/build.ts", "../modules/index.ts", "../check/check.ts"],
    allowed: ["../index.ts"],
  },
};

/** What is compiled into every app uses `process` as the app does. */
const IN_EVERY_APP = new Set(["build/preload", "build/compile/prelude", "build/node/start"]);

const IMPORTS: Readonly<Record<string, (specifier: string) => string>> = {
  static: (specifier) => `import "${specifier}";\n`,
  dynamic: (specifier) => `await import("${specifier}");\n`,
};

let scratch: string;
/** The files that the linter refused for an import, by their paths in the scratch copy. */
let refused: ReadonlySet<string>;
/** The files that the linter refused for a global name. */
let refusedGlobals: ReadonlySet<string>;

/** Uses of `process` that each room is refused. */
const TOUCHED = ["process.env", "process.pid", "process.platform", "process.versions", "process.exit()"];

const fileOf = (room: string, kind: string, index: number): string =>
  `src/${room}/planted-${kind}-${index}.ts`;

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "gantry-rooms-"));
  copyFileSync(join(root, ".oxlintrc.json"), join(scratch, ".oxlintrc.json"));
  for (const [room, kinds] of Object.entries(PLANTED)) {
    mkdirSync(join(scratch, "src", room), { recursive: true });
    for (const [kind, specifiers] of Object.entries(kinds))
      for (const [index, specifier] of specifiers.entries())
        for (const [how, text] of Object.entries(IMPORTS))
          writeFileSync(join(scratch, fileOf(room, `${kind}-${how}`, index)), text(specifier));
  }
  for (const room of Object.keys(PLANTED).filter((name) => !IN_EVERY_APP.has(name)))
    for (const [index, use] of TOUCHED.entries())
      writeFileSync(join(scratch, fileOf(room, "global", index)), `export const used = ${use};\n`);
  const { stdout } = spawnSync(join(root, "node_modules/.bin/oxlint"), ["-f", "json", "src"], {
    cwd: scratch,
    encoding: "utf8",
  });
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: { code: string; filename: string }[] };
  const filesOf = (rule: string) =>
    new Set(diagnostics.filter(({ code }) => code === `eslint(${rule})`).map(({ filename }) => filename));
  refused = filesOf("no-restricted-imports");
  refusedGlobals = filesOf("no-restricted-globals");
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe.each(Object.entries(PLANTED))("%s", (room, kinds) => {
  it.each([...kinds.refused.entries()])("%i: may not import %s", (index) => {
    for (const how of Object.keys(IMPORTS)) expect(refused).toContain(fileOf(room, `refused-${how}`, index));
  });

  it.each([...kinds.allowed.entries()])("%i: may import %s", (index) => {
    for (const how of Object.keys(IMPORTS))
      expect(refused).not.toContain(fileOf(room, `allowed-${how}`, index));
  });
});

it.each(Object.keys(PLANTED).filter((name) => !IN_EVERY_APP.has(name)))("%s may not use process", (room) => {
  for (const index of TOUCHED.keys()) expect(refusedGlobals).toContain(fileOf(room, "global", index));
});

it("plants an import in each room of the tree", () => {
  const rooms = readdirSync(join(root, "src"), { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  );
  expect(Object.keys(PLANTED)).toEqual(expect.arrayContaining(rooms.map(({ name }) => name)));
});

it("has at most 14 files in a folder", () => {
  const counts = new Map<string, number>();
  for (const entry of readdirSync(join(root, "src"), { recursive: true, withFileTypes: true }))
    if (entry.isFile()) counts.set(entry.parentPath, (counts.get(entry.parentPath) ?? 0) + 1);
  expect([...counts].filter(([, count]) => count > 14)).toEqual([]);
});
