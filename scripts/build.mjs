// Builds dist/: the modules by tsc, then the launcher that rides in releases as one minified file.
// Runs at `npm ci`, `npm pack` and before every test run; needs nothing but the installed devDependencies.
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, rmSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** The launcher's largest allowed size in bytes: it rides in every release. */
const LAUNCHER_LIMIT = 200 * 1024;

if (!existsSync(`${root}/node_modules/typescript`)) {
  console.error("build: the devDependencies are not installed; run npm ci");
  process.exit(1);
}
const { build } = await import("esbuild");

rmSync(`${root}/dist`, { recursive: true, force: true });
const tsc = spawnSync(
  process.execPath,
  [`${root}/node_modules/typescript/bin/tsc`, "-p", "tsconfig.build.json"],
  {
    cwd: root,
    stdio: "inherit",
  },
);
if (tsc.status !== 0) process.exit(tsc.status ?? 1);

await build({
  absWorkingDir: root,
  entryPoints: ["src/launcher/main.ts"],
  outfile: "dist/launcher.mjs",
  bundle: true,
  minify: true,
  platform: "node",
  format: "esm",
  target: "node20",
  legalComments: "none",
  // CommonJS dependencies inside an ES module bundle reach Node's own modules through this.
  banner: {
    js: 'import{createRequire as createRequireOfLauncher}from"node:module";const require=createRequireOfLauncher(import.meta.url);',
  },
});
// The check engine as one file in the place of its own: its sixty modules take longer to find than to run.
await build({
  absWorkingDir: root,
  entryPoints: ["src/check/check.ts"],
  outfile: "dist/check/check.js",
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
});

// npx runs it as a program: in a clone straight from dist/, without an installation that would set its mode.
chmodSync(`${root}/dist/cli.js`, 0o755);
const size = statSync(`${root}/dist/launcher.mjs`).size;
if (size > LAUNCHER_LIMIT) {
  console.error(`build: dist/launcher.mjs has ${size} bytes; the limit is ${LAUNCHER_LIMIT}`);
  process.exit(1);
}
