// Measures the size of a Node app's image, and of its update to a new version of the app.
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../install.mjs";
import { foundRoot, SLIM, sum, withLab } from "./lab.mjs";
import { BUN, bytesBelow, must, record } from "./measure.mjs";
import { NODE_SETTING, systemSetting } from "../pins.mjs";

const SHELL_LESS = "docker.io/library/without-shell:1";
const MUSL_NODE = "docker.io/library/musl-node:1";

/** @param {string} work */
export function benchNodeImages(work) {
  withLab(work, (lab) => {
    lab.importBase("slim", SLIM);
    lab.importBase("without-shell", SHELL_LESS);
    const release = buildNodeSample(work, "node-image", {});
    lab.buildStrategy(release, "multi-stage", "multi-stage");
    const before = lab.weighedLayers("multi-stage");
    record("Node image multi-stage: in all, on Debian slim", sum(before, "bytes") / 1e6, "MB", "< 200");
    lab.buildStrategy(release, "vendored", "vendored");
    const vendored = lab.layers("vendored");
    record("Node image vendored: in all, on Debian slim", sum(vendored, "bytes") / 1e6, "MB", "< 200");
    const staged = before.slice(1);
    record(
      "Node image vendored / multi-stage",
      sum(vendored, "bytes") / sum(before, "bytes"),
      "ratio",
      "<= 1",
    );
    record("Node image multi-stage: added to the base", sum(staged, "bytes") / 1e6, "MB");
    record("Node image multi-stage: the same, compressed", sum(staged, "compressed") / 1e6, "MB");
    lab.buildStrategy(release, "static-base", "static-base", SHELL_LESS);
    const bare = lab.layers("static-base").slice(1);
    record("Node image static-base: added to the base", sum(bare, "bytes") / 1e6, "MB");
    recordBeside(release, { "multi-stage": staged, vendored: vendored.slice(1), "static-base": bare });
    lab.buildStrategy(buildNodeSample(work, "node-image-changed", otherWords), "multi-stage", "changed");
    const kept = new Set(before.map(({ digest }) => digest));
    const shipped = lab.weighedLayers("changed").filter(({ digest }) => !kept.has(digest));
    record("Node image: a new version of the app ships, compressed", sum(shipped, "compressed") / 1e6, "MB");
    benchNodeAlpine(lab, work);
  });
}

/**
 * Measures an image with the distribution's own Node, which the base has already.
 * @param {import("./lab.mjs").Lab} lab @param {string} work
 */
function benchNodeAlpine(lab, work) {
  const base = foundRoot("musl-node-alpine");
  if (base === undefined) {
    console.error("bench: node-alpine is not measured: npm run test:hosts makes the base for it");
    return;
  }
  lab.importBase(base, MUSL_NODE);
  const release = buildNodeSample(work, "node-alpine", onSystem, "--target", "linux-x64-musl");
  lab.buildStrategy(release, "node-alpine", "node-alpine", MUSL_NODE);
  const layers = lab.layers("node-alpine").slice(1);
  record("Node image node-alpine: added to a base with Node", sum(layers, "bytes") / 1e6, "MB");
  recordBeside(release, { "node-alpine": layers });
}

/** @param {string} release @param {Record<string, import("./lab.mjs").Layer[]>} images */
function recordBeside(release, images) {
  const manifest = JSON.parse(readFileSync(join(release, "lib/release.json"), "utf8"));
  const modules = Object.values(manifest.modules)
    .flatMap((/** @type {any} */ module) => Object.values(module.files))
    .reduce((total, /** @type {any} */ [size]) => total + size, 0);
  const app = bytesBelow(join(release, "lib/app"));
  const expected = modules + app + (manifest.executable?.size ?? 0);
  for (const [strategy, layers] of Object.entries(images)) {
    const over = (sum(layers, "files") - expected) / 1e6;
    record(`Node image ${strategy}: added to the base, beside Node, app and modules`, over, "MB", "<= 1");
  }
}

/**
 * Files of the app, each with a text and its replacement.
 * @typedef {Readonly<Record<string, readonly [string, string]>>} Edits
 */

/** @type {Edits} */
const otherWords = { "src/server.ts": ["of eight characters", "of 8 characters"] };
/** The Node of that base is not the distribution's. @type {Edits} */
const onSystem = { "package.json": [NODE_SETTING, systemSetting(26)] };

/** @param {string} work @param {string} name @param {Edits} edits @param {string[]} flags */
function buildNodeSample(work, name, edits, ...flags) {
  const app = join(work, `${name}-app`);
  cpSync(join(root, "test/fixtures/test-node-brain"), app, { recursive: true });
  for (const [path, [from, to]] of Object.entries(edits)) {
    const text = readFileSync(join(app, path), "utf8");
    if (!text.includes(from)) throw new Error(`${path} does not say ${from}`);
    writeFileSync(join(app, path), text.replace(from, to));
  }
  const out = join(work, name);
  must(
    process.execPath,
    [join(root, "dist/cli.js"), "build", app, "--out", out, "--bun", BUN, ...flags],
    work,
  );
  return join(out, readdirSync(out).find((entry) => existsSync(join(out, entry, "node-brain"))) ?? "");
}
