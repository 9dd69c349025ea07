import { describe, expect, it } from "vitest";
import {
  chooseBuildTool,
  deriveSource,
  emittingConfig,
  esbuildCommand,
  swcCommand,
} from "../../../../src/build/app/build-tools.ts";

const choose = (
  dependencies: readonly string[],
  files: Readonly<Record<string, string>>,
  keys: readonly string[] = [],
) =>
  chooseBuildTool({
    dependencies: new Set(dependencies),
    keys: new Set(keys),
    files: Object.keys(files),
    read: (file) => files[file] ?? "",
  });

describe("chooseBuildTool", () => {
  it.each([
    ["tsup", "tsup.config.ts", "tsup"],
    ["tsup", "tsup.config.json", "tsup"],
    ["tsdown", "tsdown.config.mts", "tsdown"],
    ["unbuild", "build.config.ts", "unbuild"],
    ["rolldown", "rolldown.config.ts", "rolldown -c rolldown.config.ts"],
    ["rollup", "rollup.config.mjs", "rollup -c rollup.config.mjs"],
    ["webpack-cli", "webpack.config.cjs", "webpack-cli -c webpack.config.cjs"],
    ["vite", "vite.config.ts", "vite build"],
    ["esbuild", "esbuild.config.mjs", "node esbuild.config.mjs"],
    ["esbuild", "esbuild.js", "node esbuild.js"],
  ])("runs %s by its %s, before any compiler", (name, file, command) => {
    const files = { "tsconfig.json": "", [file]: "export default { build: { ssr: true } };" };
    expect(choose([name, "typescript", "esbuild"], files)).toEqual({
      kind: "bundler",
      name,
      command: command.split(" "),
    });
    expect(choose(["typescript"], files)).toEqual({ kind: "compilers", names: ["tsc"] });
  });

  it.each(["tsup", "tsdown", "unbuild"])("takes what package.json says under %s", (name) => {
    expect(choose([name], {}, [name])).toEqual({ kind: "bundler", name, command: [name] });
    expect(choose([name], {})).toBeUndefined();
  });

  it.each([
    ["pages for browsers", ["vite"], { "vite.config.ts": "export default {};" }],
    [
      "a configuration in TypeScript, which rollup reads with a plugin alone",
      ["rollup"],
      { "rollup.config.ts": "" },
    ],
    ["a compiler without its configuration", ["typescript", "@swc/cli"], {}],
    ["a configuration without its compiler", [], { "tsconfig.json": "", ".swcrc": "" }],
  ])("does not choose %s", (_, dependencies, files) => {
    expect(choose(dependencies, files)).toBeUndefined();
  });

  it("asks compilers in the order of what they are told", () => {
    const files = { ".swcrc": "", "tsconfig.json": "" };
    const names = ["swc", "tsc", "esbuild"];
    expect(choose(["esbuild", "typescript", "@swc/cli"], files)).toEqual({ kind: "compilers", names });
  });
});

const derive = (entry: string, part: string, ...files: string[]) =>
  deriveSource(entry, part, (path) => files.includes(path));

describe("deriveSource", () => {
  it.each([
    ["dist/index.js", "dist", "src/index.ts", "src", "dist"],
    ["dist/web/main.js", "dist", "src/web/main.tsx", "src", "dist"],
    ["dist/index.js", "dist", "index.ts", ".", "dist"],
    ["dist/index.mjs", "dist", "src/index.mts", "src", "dist"],
    ["build/index.cjs", "build", "src/index.cts", "src", "build"],
  ])("finds what %s is made of", (entry, part, source, root, out) => {
    expect(derive(entry, part, source, "src/index.d.ts")).toEqual({ source, root, out, entry });
  });

  it.each([
    ["src/index.ts", "src/index.js"],
    ["main.mts", "main.mjs"],
    ["src/app.tsx", "src/app.js"],
    ["src/app.cts", "src/app.cjs"],
  ])("puts what is made of %s beside it", (source, entry) => {
    expect(derive(source, "src", source)).toEqual({ source, root: ".", out: ".", entry });
  });

  it("takes no source of another name or kind", () => {
    expect(derive("dist/index.js", "dist", "src/main.ts", "src/index.mts", "lib/index.ts")).toBeUndefined();
    expect(derive("index.js", ".", "index.ts")).toBeUndefined();
  });
});

describe("the compilers' commands", () => {
  const fromSrc = { source: "src/index.ts", root: "src", out: "dist", entry: "dist/index.js" };
  const beside = { source: "src/index.ts", root: ".", out: ".", entry: "src/index.js" };
  const flat = { source: "index.ts", root: ".", out: "dist", entry: "dist/index.js" };

  it("swc takes one directory of sources, never the whole app", () => {
    expect(swcCommand(fromSrc)).toEqual("swc src --out-dir dist --strip-leading-paths".split(" "));
    expect(swcCommand(beside)).toEqual("swc src --out-dir src --strip-leading-paths".split(" "));
    expect(swcCommand(flat)).toBeUndefined();
    expect(swcCommand({ ...flat, out: "." })).toBeUndefined();
  });

  it.each([
    ["dist/index.js", "esm", "esm"],
    ["dist/index.js", "cjs", "cjs"],
    ["dist/index.mjs", "cjs", "esm"],
    ["dist/index.cjs", "esm", "cjs"],
  ] as const)("esbuild makes of %s in an app of %s what Node takes it for", (entry, module, format) => {
    expect(esbuildCommand({ ...fromSrc, entry }, module)).toContain(`--format=${format}`);
  });

  it("tsc compiles the app's own files that its configuration names", () => {
    const files = ["./src/index.ts", "./src/a.ts", "./types/env.d.ts", "./vitest.config.ts"];
    const checked = { files, emits: false, importsTs: false };
    const options = { noEmit: false, rootDir: "src", outDir: "dist" };
    expect(emittingConfig(fromSrc, checked)).toMatchObject({
      extends: "./tsconfig.json",
      compilerOptions: options,
      files: ["src/index.ts", "src/a.ts", "types/env.d.ts"],
      include: [],
    });
    expect(emittingConfig(beside, { ...checked, importsTs: true })).toMatchObject({
      compilerOptions: { rootDir: ".", outDir: ".", rewriteRelativeImportExtensions: true },
      files: ["src/index.ts", "src/a.ts", "types/env.d.ts", "vitest.config.ts"],
    });
  });
});
