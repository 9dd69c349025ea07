// What each kind of image adds to its base, against the usual multi-stage image with a whole node_modules, and what a
// new version of the app ships. Needs root, buildah and a Debian root file system; says so where one is missing.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { root } from "../install.mjs";
import { BUN, must, record } from "./measure.mjs";

const BASE = "docker.io/library/debian:bookworm-slim";
const CACHE = process.env["GANTRY_HOSTS_CACHE"] ?? join(homedir(), ".cache/gantry-hosts");

/** @param {string} work @param {string} release */
export function benchImages(work, release) {
  const missing = whatIsMissing();
  if (missing !== undefined) {
    console.error(`bench: images are not measured: ${missing}`);
    return;
  }
  const lab = openLab(work);
  try {
    lab.importBase();
    measureImages(lab, work, release);
  } finally {
    lab.close();
  }
}

function whatIsMissing() {
  if (process.getuid?.() !== 0) return "that takes root";
  if (!existsSync("/usr/bin/buildah")) return "there is no buildah";
  if (existsSync(join(CACHE, "bookworm-slim")) || existsSync("/usr/bin/mmdebstrap")) return undefined;
  return "there is no mmdebstrap to make a base with";
}

/**
 * `bytes` of the tar, `files`: of the files in it, `compressed`: gzipped as registries keep layers.
 * @typedef {{ digest: string, bytes: number, files: number, compressed: number }} Layer
 */
/** @typedef {ReturnType<typeof openLab>} Lab */

/** buildah with a store of its own, not below /tmp, which may be memory. @param {string} work */
function openLab(work) {
  mkdirSync(CACHE, { recursive: true });
  const directory = mkdtempSync(join(CACHE, "bench-"));
  const place = ["--root", join(directory, "store"), "--runroot", join(directory, "run")];
  /** @param {string[]} args */
  const buildah = (...args) => must("buildah", [...place, "--storage-driver", "overlay", ...args], work);
  /** The layers of an image without its base. @param {string} tag @param {(file: string) => number} weigh */
  const readLayers = (tag, weigh) => {
    const pushed = join(directory, "pushed");
    buildah("push", "--quiet", "--disable-compression", tag, `dir:${pushed}`);
    const { layers } = JSON.parse(readFileSync(join(pushed, "manifest.json"), "utf8"));
    const added = layers.slice(1).map((/** @type {{ digest: string }} */ { digest }) => {
      const file = join(pushed, digest.replace("sha256:", ""));
      const listed = must("tar", ["-tvf", file], work).split("\n");
      const content = listed
        .filter((line) => line.startsWith("-"))
        .map((line) => Number(line.split(/ +/)[2]));
      const files = content.reduce((total, size) => total + size, 0);
      return { digest, bytes: statSync(file).size, files, compressed: weigh(file) };
    });
    rmSync(pushed, { recursive: true });
    return /** @type {Layer[]} */ (added);
  };
  return {
    importBase: () => {
      const slim = join(CACHE, "bookworm-slim");
      const made = join(directory, "base");
      const include = "--include=ca-certificates,libstdc++6";
      if (!existsSync(slim))
        must("mmdebstrap", ["--quiet", "--variant=minbase", "--mode=root", include, "bookworm", made], work);
      const container = buildah("from", "scratch").trim();
      buildah("add", "--quiet", container, existsSync(slim) ? slim : made, "/");
      buildah("commit", "--quiet", container, BASE);
      buildah("rm", container);
    },
    /** @param {string} tag @param {string} context */
    build: (tag, context) => {
      const certificates = process.env["NODE_EXTRA_CA_CERTS"];
      const trusted =
        certificates === undefined
          ? []
          : ["--volume", `${certificates}:/run/ca.pem:ro`, "--build-arg", "NODE_EXTRA_CA_CERTS=/run/ca.pem"];
      const how = ["--quiet", "--layers", "--pull-never", "--isolation=chroot", "--network=host"];
      buildah(
        "bud",
        ...how,
        "--format=docker",
        ...trusted,
        "--build-arg",
        `BASE=${BASE}`,
        "--build-arg",
        `BUILDER=${BASE}`,
        "--tag",
        tag,
        context,
      );
    },
    /** @param {string} tag */
    layers: (tag) => readLayers(tag, () => Number.NaN),
    /** With what each weighs on its way from a registry. @param {string} tag */
    weighedLayers: (tag) => readLayers(tag, gzipped),
    close: () => {
      spawnSync("buildah", [...place, "--storage-driver", "overlay", "rmi", "--all", "--force"]);
      spawnSync("umount", [join(directory, "store/overlay")]);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** @param {string} file */
function gzipped(file) {
  return Number(must("sh", ["-c", `gzip -6 -c "$1" | wc -c`, "sh", file], "/"));
}

/** Compressing takes longer than all else here. */
const WEIGHED = new Set(["multi-stage", "changed"]);

/** @param {readonly Layer[]} layers @param {"bytes" | "files" | "compressed"} what */
const sum = (layers, what) => layers.reduce((total, layer) => total + layer[what], 0);

/** @param {Lab} lab @param {string} work @param {string} release */
function measureImages(lab, work, release) {
  const context = join(work, "context");
  const cli = join(root, "dist/cli.js");
  /** @param {string} from @param {string} strategy @param {string} tag */
  const build = (from, strategy, tag) => {
    rmSync(context, { recursive: true, force: true });
    must(process.execPath, [cli, "docker", from, "--strategy", strategy, "--out", context], work);
    lab.build(tag, context);
    return WEIGHED.has(tag) ? lab.weighedLayers(tag) : lab.layers(tag);
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
  record("image multi-stage: added to the base, compressed", sum(staged, "compressed") / 1e6, "MB", "< 60");
  const usual = buildUsual(lab, work, release);
  record(
    "image multi-stage / the usual one with a whole node_modules",
    sum(staged, "bytes") / sum(usual, "bytes"),
    "ratio",
  );
  record("the same, compressed", sum(staged, "compressed") / sum(usual, "compressed"), "ratio");
  const changed = buildChanged(work);
  const shipped = build(changed, "multi-stage", "changed").filter(
    ({ digest }) => !staged.some((layer) => layer.digest === digest),
  );
  const own = JSON.parse(readFileSync(join(changed, "lib/release.json"), "utf8")).executable.size;
  record("a new version of the app ships, compressed", sum(shipped, "compressed") / 1e6, "MB");
  record("the same / the binary's own bytes", sum(shipped, "compressed") / own, "ratio", "<= 1");
  record("files in it beside the binary", (sum(shipped, "files") - own) / 1e6, "MB");
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

/** One line of the app is another. @param {string} work */
function buildChanged(work) {
  const app = join(work, "image-changed-app");
  cpSync(join(root, "test/fixtures/test-brain"), app, { recursive: true });
  const file = join(app, "src/serve.ts");
  writeFileSync(file, readFileSync(file, "utf8").replace("shown only this once", "shown just this once"));
  return buildSample(work, "image-changed");
}

/**
 * What people write today: a stage that installs, and a slim one that gets the binary and all of node_modules.
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
  lab.build("usual", context);
  rmSync(context, { recursive: true });
  return lab.weighedLayers("usual");
}
