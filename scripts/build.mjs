// Builds dist/: the modules by tsc, then the launcher that rides in releases as one minified file.
// Runs at `npm ci`, `npm pack` and before every test run; needs nothing but the installed devDependencies.
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** The launcher's largest allowed size in bytes: it rides in every release. */
const LAUNCHER_LIMIT = 200 * 1024;
/**
 * Parts of the launcher that only some commands load: files of their own beside it, so that a start does not read
 * them. By the module that is imported dynamically.
 */
const PARTS = {
  "src/launcher/commands.ts": "commands.mjs",
  "src/archive/unpack.ts": "archive.mjs",
  "src/mirror/fetch.ts": "mirror.mjs",
  "src/service/health.ts": "health.mjs",
  "src/launcher/service.ts": "service.mjs",
};

if (!existsSync(`${root}/node_modules/typescript`)) {
  console.error("build: the devDependencies are not installed; run npm ci");
  process.exit(1);
}
const { build } = await import("esbuild");

/** Built beside dist/ and put in its place at the end: a command that runs meanwhile finds the one or the other. */
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

/** @type {import("esbuild").Plugin} */
const partsPlugin = {
  name: "parts",
  setup: ({ onResolve }) =>
    onResolve({ filter: /^\.\.?\// }, ({ kind, path, resolveDir }) => {
      if (kind !== "dynamic-import") return undefined;
      const part = Object.entries(PARTS).find(([module]) => join(resolveDir, path) === join(root, module));
      return part === undefined ? undefined : { path: `./${part[1]}`, external: true };
    }),
};
for (const [module, file] of Object.entries({ "src/launcher/main.ts": "launcher.mjs", ...PARTS })) {
  if (!existsSync(join(root, module))) continue;
  await build({
    absWorkingDir: root,
    entryPoints: [module],
    outfile: `${out}/${file}`,
    bundle: true,
    minify: true,
    platform: "node",
    format: "esm",
    target: "node20",
    legalComments: "none",
    plugins: [partsPlugin],
    // The entry for Node brings a fetch and agents of its own; src/mirror has its own transport.
    alias: { ofetch: `${root}/node_modules/ofetch/dist/index.mjs` },
    // The first line tells Bun that there is nothing to transpile, which it would do anew at every start. CommonJS
    // dependencies inside an ES module bundle reach Node's own modules through the second.
    banner: {
      js: '// @bun\nimport{createRequire as createRequireOfLauncher}from"node:module";const require=createRequireOfLauncher(import.meta.url);',
    },
  });
}
// What Node loads before an app, in releases that run on Node.
await build({
  absWorkingDir: root,
  entryPoints: ["src/build/node/preload.ts"],
  outfile: `${out}/preload.cjs`,
  bundle: true,
  minify: true,
  platform: "node",
  format: "cjs",
  target: "node20",
  legalComments: "none",
});
// The check engine as one file in the place of its own: its sixty modules take longer to find than to run.
await build({
  absWorkingDir: root,
  entryPoints: ["src/check/check.ts"],
  outfile: `${out}/check/check.js`,
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
});

// npx runs it as a program: in a clone straight from dist/, without an installation that would set its mode.
chmodSync(`${out}/cli.js`, 0o755);
const size = statSync(`${out}/launcher.mjs`).size;
if (size > LAUNCHER_LIMIT) {
  console.error(`build: dist/launcher.mjs has ${size} bytes; the limit is ${LAUNCHER_LIMIT}`);
  process.exit(1);
}
chmodSync(out, 0o755);
const old = `${out}-old`;
if (existsSync(`${root}/dist`)) renameSync(`${root}/dist`, old);
renameSync(out, `${root}/dist`);
rmSync(old, { recursive: true, force: true });
