/**
 * Names of the files of a release, relative to its root and with forward slashes. Each is a constant of its own, so that
 * the preludes, which are compiled into every app, contain only those that they use. Other code uses NAMES of layout.ts.
 */
export const gantry = "gantry";
export const lib = "lib";
export const node = "lib/node";
export const app = "lib/app";
/** Files of the app that its compiled program reads, each at its path from the workspace root. */
export const assets = "lib/assets";
export const preload = "lib/preload.cjs";
export const launcher = "lib/launcher.mjs";
export const manifest = "lib/release.json";
export const packageJson = "package.json";
export const lockfile = "bun.lock";
export const modules = "node_modules";
export const stamps = ".gantry";
export const lock = ".gantry-lock";
/** The start gate: it has the process id of the script that goes first, see src/modules/lock/start-gate.ts. */
export const startGate = ".gantry-claim";
export const work = ".gantry-work-";
export const old = ".gantry-old-";
/** The management commands of an image without a shell: a link to the compiled app. */
export const link = "lib/gantry";
export const vendor = "vendor";
export const env = ".env";
export const envExample = ".env.example";
export const setup = "setup.sh";
export const systemd = "systemd";
export const readme = "README.md";
export const sums = "SHA256SUMS";
export const signature = "SHA256SUMS.minisig";
