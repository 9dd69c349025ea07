// Measures what each kind of image adds to its base, against the usual multi-stage image with a whole node_modules,
// and the size of an update to a new version of the app.
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../install.mjs";
import { SLIM, sum, withLab } from "./lab.mjs";
import { BUN, must, record } from "./measure.mjs";

/** @typedef {import("./lab.mjs").Lab} Lab */
/** @typedef {import("./lab.mjs").Layer} Layer */

/** @param {string} work @param {string} release */
export function benchImages(work, release) {
  withLab(work, (lab) => {
    lab.importBase("slim", SLIM);
    measureImages(lab, work, release);
  });
}

/** @param {Lab} lab @param {string} work @param {string} release */
function measureImages(lab, work, release) {
  /** @param {string} from @param {string} strategy @param {string} tag */
  const build = (from, strategy, tag) => {
    lab.buildStrategy(from, strategy, tag);
    return lab.weighedLayers(tag).slice(1);
  };
  const vendored = buildSample(work, "image-vendored", "--vendor");
  const manifest = JSON.parse(readFileSync(join(release, "lib/release.json"), "utf8"));
  const pruned = Object.values(manifest.modules)
    .flatMap((/** @type {any} */ module) => Object.values(module.files))
    .reduce((total, /** @type {any} */ [size]) => total + size, 0);
  const binary = manifest.executable.size;
  /** @type {Record<string, Layer[]>} */
  const images = {
    "multi-stage": build(release, "multi-stage", "multi-stage"),
    runtime: build(release, "runtime", "runtime"),
    vendored: build(vendored, "vendored", "vendored"),
    "static-base": build(vendored, "static-base", "static-base"),
    lazy: build(release, "lazy", "lazy"),
  };
  for (const [strategy, layers] of Object.entries(images)) {
    const over = (sum(layers, "files") - binary - (strategy === "lazy" ? 0 : pruned)) / 1e6;
    record(`image ${strategy}: added to the base, beside binary and modules`, over, "MB", "<= 1");
  }
  const staged = images["multi-stage"] ?? [];
  record(
    "image vendored / multi-stage",
    sum(images["vendored"] ?? [], "bytes") / sum(staged, "bytes"),
    "ratio",
    "<= 1",
  );
  for (const [strategy, layers] of Object.entries(images)) {
    record(`image ${strategy}: added to the base, compressed`, sum(layers, "compressed") / 1e6, "MB", "< 60");
  }
  const usual = buildUsual(lab, work, release);
  record(
    "image multi-stage / the usual one with a whole node_modules",
    sum(staged, "bytes") / sum(usual, "bytes"),
    "ratio",
  );
  record("the same, compressed", sum(staged, "compressed") / sum(usual, "compressed"), "ratio");
  const changed = buildChanged(work);
  const own = JSON.parse(readFileSync(join(changed, "lib/release.json"), "utf8")).executable.size;
  for (const [strategy, before] of Object.entries(images)) {
    const shipped = build(changed, strategy, `changed-${strategy}`).filter(
      ({ digest }) => !before.some((layer) => layer.digest === digest),
    );
    record(`image ${strategy}: a new version ships, compressed`, sum(shipped, "compressed") / 1e6, "MB");
    record("the same / the binary's own bytes", sum(shipped, "compressed") / own, "ratio", "<= 1");
    record("files in it beside the binary", (sum(shipped, "files") - own) / 1e6, "MB", "<= 1");
  }
}

/** @param {string} work @param {string} name @param {string[]} flags */
function buildSample(work, name, ...flags) {
  const out = join(work, name);
  const app = existsSync(join(work, `${name}-app`))
    ? join(work, `${name}-app`)
    : join(root, "test/fixtures/test-brain");
  must(
    process.execPath,
    [join(root, "dist/cli.js"), "build", app, "--out", out, "--bun", BUN, ...flags],
    work,
  );
  return join(out, readdirSync(out).find((entry) => existsSync(join(out, entry, "brain"))) ?? "");
}

/** Builds a version of the app with one changed line. @param {string} work */
function buildChanged(work) {
  const app = join(work, "image-changed-app");
  cpSync(join(root, "test/fixtures/test-brain"), app, { recursive: true });
  const file = join(app, "src/serve.ts");
  writeFileSync(file, readFileSync(file, "utf8").replace("shown only this once", "shown just this once"));
  return buildSample(work, "image-changed", "--vendor");
}

/**
 * Builds the usual image: a stage that installs, and a slim one with the binary and all of node_modules.
 * @param {Lab} lab @param {string} work @param {string} release
 */
function buildUsual(lab, work, release) {
  const context = join(work, "usual");
  cpSync(join(root, "test/fixtures/test-brain"), join(context, "app"), { recursive: true });
  const install = ["install", "--frozen-lockfile", "--production", "--ignore-scripts"];
  must(BUN, [...install, `--cache-dir=${join(work, "usual-cache")}`], join(context, "app"));
  cpSync(join(release, "lib/brain"), join(context, "brain"));
  const text = `ARG BASE\nFROM \${BASE}\nWORKDIR /app\nCOPY app/node_modules ./node_modules\nCOPY brain ./\n`;
  writeFileSync(join(context, "Dockerfile"), text);
  lab.build("usual", context, { BASE: SLIM });
  rmSync(context, { recursive: true });
  return lab.weighedLayers("usual").slice(1);
}
