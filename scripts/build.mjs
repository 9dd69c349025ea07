// Builds dist/: the modules by tsc, then the launcher of releases as one minified file. Runs at `npm ci`, `npm pack`
// and before every test run; needs only the installed devDependencies.
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { doorsPlugin, withoutDoors } from "./doors.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Most bytes of the launcher that a start reads. Every release contains them. */
const LAUNCHER_LIMIT = 200 * 1024;
/**
 * Files that may be part of the launcher: the rooms of the host's side, the rooms that all others use, and these
 * packages.
 */
const LAUNCHER_INPUTS = new RegExp(
  "^(?:src/(?:base|elf|host|compat|release|trust|archive|mirror|runtime|modules|service|launcher)/|" +
    "node_modules/(?:citty|confbox|consola|fastest-levenshtein|valibot)/)",
);
/** Files that every start of the launcher runs; see partsPlugin. */
const EVERY_START = ["src/launcher/settings.ts", "src/launcher/commands/start.ts"];

if (!existsSync(`${root}/node_modules/typescript`)) {
  console.error("build: the devDependencies are not installed; run npm ci");
  process.exit(1);
}
const { build } = await import("esbuild");

/** Built beside dist/ and renamed at the end, so that a command that runs meanwhile finds the old or the new one. */
const out = mkdtempSync(`${root}/.dist-`);
process.on("exit", () => rmSync(out, { recursive: true, force: true }));
const tsc = spawnSync(
  process.execPath,
  [`${root}/node_modules/typescript/bin/tsc`, "-p", "tsconfig.build.json", "--outDir", out],
  {
    cwd: root,
    stdio: "inherit",
  },
);
if (tsc.status !== 0) process.exit(tsc.status ?? 1);
for (const name of readdirSync(out, { recursive: true, encoding: "utf8" })) {
  if (name.endsWith(".js")) writeFileSync(join(out, name), withoutDoors(join(out, name)));
}

/**
 * Splits the launcher. A dynamic import becomes a part: a file of its own beside the launcher, which only some
 * commands read. Code that several files share is in further files, one for each set of files that share it. Each part
 * imports what a start has already read, so a start reads two files instead of eleven.
 * @type {import("esbuild").Plugin}
 */
const partsPlugin = {
  name: "parts",
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^\.\.?\// }, ({ kind, path, resolveDir }) =>
      kind === "dynamic-import"
        ? { path: relative(root, join(resolveDir, path)), namespace: "part" }
        : undefined,
    );
    onLoad({ filter: /./, namespace: "part" }, ({ path }) => ({
      contents: [
        ...EVERY_START.map((module) => `import ${JSON.stringify(join(root, module))};`),
        `export * from ${JSON.stringify(join(root, path))};`,
      ].join("\n"),
      resolveDir: root,
    }));
  },
};
const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: { launcher: "src/launcher/main.ts" },
  outdir: out,
  outExtension: { ".js": ".mjs" },
  chunkNames: "launcher-[hash]",
  bundle: true,
  splitting: true,
  minify: true,
  metafile: true,
  platform: "node",
  format: "esm",
  target: "node20",
  legalComments: "none",
  plugins: [partsPlugin, doorsPlugin],
  // The first line tells Bun that there is nothing to transpile, which it would otherwise do at every start. The
  // second lets CommonJS dependencies inside an ES module bundle load Node's own modules.
  banner: {
    js: '// @bun\nimport{createRequire as createRequireOfLauncher}from"node:module";const require=createRequireOfLauncher(process.execPath);',
  },
});
// The file that Node loads before an app, in releases that run on Node.
await build({
  absWorkingDir: root,
  entryPoints: ["src/build/node/start/preload.ts"],
  outfile: `${out}/preload.cjs`,
  bundle: true,
  minify: true,
  platform: "node",
  format: "cjs",
  target: "node20",
  legalComments: "none",
});
// Bundles the check engine into one file at its door's path, because finding its sixty modules takes longer than
// running them.
await build({
  absWorkingDir: root,
  entryPoints: ["src/check/index.ts"],
  outfile: `${out}/check/index.js`,
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  plugins: [doorsPlugin],
});

// These rooms are in the launcher's own files. The build side imports none of them.
for (const room of ["launcher", "modules", "service", "archive"])
  rmSync(`${out}/${room}`, { recursive: true });

// npx runs it as a program. In a clone it runs from dist/, where no installation has set its mode.
chmodSync(`${out}/cli.js`, 0o755);
/**
 * A file and everything that it imports statically, by their paths in the metafile. @param {string} file @returns
 * {string[]}
 */
const readWith = (file) => {
  const { imports = [] } = metafile.outputs[file] ?? {};
  const needed = imports.filter(({ kind, external }) => kind === "import-statement" && external !== true);
  return [file, ...needed.flatMap(({ path }) => readWith(path))];
};
const strays = Object.keys(metafile.inputs).filter(
  (input) => !LAUNCHER_INPUTS.test(input.replace(/^part:/, "")),
);
if (strays.length > 0) {
  console.error(`build: not of the host's side, but in the launcher: ${strays.join(", ")}`);
  process.exit(1);
}
const files = [...new Set(readWith(`${relative(root, out)}/launcher.mjs`))];
const size = files.reduce((sum, file) => sum + (metafile.outputs[file]?.bytes ?? 0), 0);
if (size > LAUNCHER_LIMIT) {
  console.error(
    `build: the launcher's ${files.length} files have ${size} bytes; the limit is ${LAUNCHER_LIMIT}`,
  );
  process.exit(1);
}
chmodSync(out, 0o755);
const old = `${out}-old`;
if (existsSync(`${root}/dist`)) renameSync(`${root}/dist`, old);
renameSync(out, `${root}/dist`);
rmSync(old, { recursive: true, force: true });
