/**
 * Which room may know which: the linter's own answer to imports that are planted into a scratch copy of the tree.
 * The linter does not read dynamic imports, so these are read here.
 */
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, normalize } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");

/** For each room, a file that imports what it must not know, and what it may. */
const PLANTED: Readonly<
  Record<string, { readonly refused: readonly string[]; readonly allowed: readonly string[] }>
> = {
  elf: { refused: ["../host/index.ts", "../text.ts", "node:fs"], allowed: ["../errors.ts", "./file.ts"] },
  host: { refused: ["../compat/index.ts", "../elf/file.ts"], allowed: ["../elf/index.ts", "node:fs"] },
  compat: { refused: ["../check/index.ts", "../host/facts.ts", "node:fs"], allowed: ["../host/index.ts"] },
  "compat/rules": {
    refused: ["../../check/index.ts", "../../elf/file.ts"],
    allowed: ["../../elf/index.ts", "../search.ts"],
  },
  check: { refused: ["../release/layout.ts", "../compat/judge.ts"], allowed: ["../compat/index.ts"] },
  release: { refused: ["../runtime/invoke.ts", "../elf/index.ts"], allowed: ["../errors.ts"] },
  trust: { refused: ["../release/layout.ts", "../provision/read.ts"], allowed: ["../text.ts"] },
  archive: { refused: ["../mirror/fetch.ts", "../elf/index.ts"], allowed: ["../release/layout.ts"] },
  runtime: { refused: ["../mirror/fetch.ts", "../host/index.ts"], allowed: ["../release/layout.ts"] },
  mirror: { refused: ["../provision/read.ts", "../archive/index.ts"], allowed: ["../runtime/invoke.ts"] },
  provision: {
    refused: ["../service/layout.ts", "../host/facts.ts", "../archive/unpack.ts"],
    allowed: ["../host/index.ts"],
  },
  "provision/store": {
    refused: ["../../mirror/fetch.ts", "../../host/facts.ts"],
    allowed: ["../../host/index.ts", "../read.ts"],
  },
  service: {
    refused: ["../launcher/session.ts", "../archive/unpack.ts", "../build/build.ts"],
    allowed: ["../archive/index.ts"],
  },
  "service/port": {
    refused: ["../../launcher/session.ts", "../../archive/index.ts"],
    allowed: ["../../provision/read.ts", "../systemd.ts"],
  },
  launcher: {
    refused: ["../build/build.ts", "../compat/skip.ts", "../check/index.ts"],
    allowed: ["../compat/index.ts"],
  },
  build: {
    refused: ["../launcher/main.ts", "../provision/read.ts", "../compat/judge.ts", "./lock/lock.ts"],
    allowed: ["../compat/index.ts", "./lock/index.ts", "./scratch.ts"],
  },
  "build/node": {
    refused: ["../../service/layout.ts", "../../elf/file.ts", "../lock/lock.ts"],
    allowed: ["../../elf/index.ts", "../lock/index.ts", "../scratch.ts", "./runtime.ts"],
  },
  commands: {
    refused: ["../build/build.ts", "../provision/read.ts", "../check/check.ts"],
    allowed: ["../index.ts"],
  },
};

/** Dynamic imports that lead into a room otherwise than through its door: each is a part of the launcher. */
const PARTS = new Set(["src/service/health.ts", "src/mirror/archive.ts", "src/mirror/fetch.ts"]);

let scratch: string;
/** The files that the linter refused for an import, by their paths in the scratch copy. */
let refused: ReadonlySet<string>;

const fileOf = (room: string, kind: string, index: number): string =>
  `src/${room}/planted-${kind}-${index}.ts`;

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "gantry-rooms-"));
  copyFileSync(join(root, ".oxlintrc.json"), join(scratch, ".oxlintrc.json"));
  for (const [room, kinds] of Object.entries(PLANTED)) {
    mkdirSync(join(scratch, "src", room), { recursive: true });
    for (const [kind, specifiers] of Object.entries(kinds))
      for (const [index, specifier] of specifiers.entries())
        writeFileSync(join(scratch, fileOf(room, kind, index)), `import "${specifier}";\n`);
  }
  const { stdout } = spawnSync(join(root, "node_modules/.bin/oxlint"), ["-f", "json", "src"], {
    cwd: scratch,
    encoding: "utf8",
  });
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: { code: string; filename: string }[] };
  const found = diagnostics.filter(({ code }) => code === "eslint(no-restricted-imports)");
  refused = new Set(found.map(({ filename }) => filename));
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe.each(Object.entries(PLANTED))("%s", (room, kinds) => {
  it.each([...kinds.refused.entries()])("%i: may not import %s", (index) => {
    expect(refused).toContain(fileOf(room, "refused", index));
  });

  it.each([...kinds.allowed.entries()])("%i: may import %s", (index) => {
    expect(refused).not.toContain(fileOf(room, "allowed", index));
  });
});

it("plants an import in each room of the tree", () => {
  const rooms = readdirSync(join(root, "src"), { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  );
  expect(Object.keys(PLANTED)).toEqual(expect.arrayContaining(rooms.map(({ name }) => name)));
});

it("leads every dynamic import into another room through a door or to a part", () => {
  const strays = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .flatMap((file) => dynamicImports(`src/${file}`).filter((target) => leaves(`src/${file}`, target)))
    .filter((target) => !target.endsWith("/index.ts") && !PARTS.has(target));
  expect(strays).toEqual([]);
  expect([...PARTS].filter((part) => !existsSync(join(root, part)))).toEqual([]);
});

function dynamicImports(file: string): string[] {
  const text = readFileSync(join(root, file), "utf8");
  return [...text.matchAll(/\bimport\(\s*"(\.[^"]+)"/g)].map(([, path = ""]) =>
    normalize(join(dirname(file), path)),
  );
}

function leaves(file: string, target: string): boolean {
  return target.split("/")[1] !== file.split("/")[1];
}
