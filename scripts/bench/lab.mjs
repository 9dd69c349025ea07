// Builds and measures images: buildah with a store of its own, and base images from Debian's packages. Needs root,
// buildah and mmdebstrap, and says which one is missing.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { basename, join } from "node:path";
import { root } from "../install.mjs";
import { must } from "./measure.mjs";

/** The base that gantry proposes for a release with a shell. */
export const SLIM = "docker.io/library/debian:bookworm-slim";
const CACHE = process.env["GANTRY_HOSTS_CACHE"] ?? join(homedir(), ".cache/gantry-hosts");

/**
 * A layer. `bytes` of the tar, `files`: bytes of the files in it, `compressed`: gzipped, as registries store layers.
 * @typedef {{ digest: string, bytes: number, files: number, compressed: number }} Layer
 */
/** @typedef {ReturnType<typeof openLab>} Lab */

/** @param {string} work @param {(lab: Lab) => void} measure */
export function withLab(work, measure) {
  const missing = whatIsMissing();
  if (missing !== undefined) {
    console.error(`bench: images are not measured: ${missing}`);
    return;
  }
  const lab = openLab(work);
  try {
    measure(lab);
  } finally {
    lab.close();
  }
}

function whatIsMissing() {
  if (process.getuid?.() !== 0) return "that takes root";
  if (!existsSync("/usr/bin/buildah")) return "there is no buildah";
  if (Object.keys(BASES).every((name) => existsSync(join(CACHE, `bench-${name}`)))) return undefined;
  return existsSync("/usr/bin/mmdebstrap") ? undefined : "there is no mmdebstrap to make a base with";
}

/**
 * Debian's slim image and its distroless one, made from Debian's packages as closely as possible.
 * @type {Record<string, (directory: string, work: string) => void>}
 */
const BASES = {
  slim: (directory, work) => {
    const left = ["man", "info", "locale", "lintian", "groff", "doc"];
    must(
      "mmdebstrap",
      [
        "--quiet",
        "--variant=minbase",
        "--mode=root",
        "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
        // usr-is-merged replaces usrmerge, which would add 50 MB of Perl.
        "--include=usr-is-merged,usrmerge-",
        ...left.map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`),
        "--dpkgopt=path-include=/usr/share/doc/*/copyright",
        "bookworm",
        directory,
      ],
      work,
    );
  },
  "without-shell": (directory, work) => {
    const names = ["c", "m", "dl", "pthread", "rt"].map((name) => `lib${name}.so.*`);
    const files = [...names, "libgcc_s.so.1", "libstdc++.so.6*", "ld-linux-x86-64.so.2"];
    const paths = files.map((name) => `usr/lib/x86_64-linux-gnu/${name}`).join(" ");
    const from = ensureBase("slim", work);
    for (const path of ["tmp", "etc", "var/lib", "opt"])
      mkdirSync(join(directory, path), { recursive: true });
    const links = "lib lib64 etc/os-release usr/lib/os-release";
    must("sh", ["-c", `cd ${from} && cp -a --parents ${links} usr/lib64 ${paths} ${directory}`], work);
  },
};

/** Made once, beside its final name, and renamed. @param {string} name @param {string} work */
function ensureBase(name, work) {
  const base = join(CACHE, `bench-${name}`);
  const make = BASES[name];
  if (existsSync(base) || make === undefined) return base;
  const made = mkdtempSync(`${base}.making-`);
  try {
    make(made, work);
    renameSync(made, base);
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
  return base;
}

/** A root file system that the host tests have made, if any. @param {string} name */
export function foundRoot(name) {
  const directory = join(CACHE, name);
  return existsSync(directory) ? directory : undefined;
}

/** Its store is not below /tmp, which may be in memory. @param {string} work */
function openLab(work) {
  mkdirSync(CACHE, { recursive: true });
  const directory = mkdtempSync(join(CACHE, "lab-"));
  const place = ["--root", join(directory, "store"), "--runroot", join(directory, "run")];
  /** @param {string[]} args */
  const buildah = (...args) => must("buildah", [...place, "--storage-driver", "overlay", ...args], work);
  /** Sizes by digest, because compressing is slow and images share layers. @type {Map<string, number>} */
  const weights = new Map();
  /** @param {string} file */
  const weighOnce = (file) => {
    const weight = weights.get(basename(file)) ?? gzipped(file);
    weights.set(basename(file), weight);
    return weight;
  };
  /** @param {string} tag @param {(file: string) => number} weigh */
  const readLayers = (tag, weigh) => {
    const pushed = join(directory, "pushed");
    buildah("push", "--quiet", "--disable-compression", tag, `dir:${pushed}`);
    const { layers } = JSON.parse(readFileSync(join(pushed, "manifest.json"), "utf8"));
    const read = layers.map((/** @type {{ digest: string }} */ { digest }, /** @type {number} */ index) => {
      const file = join(pushed, digest.replace("sha256:", ""));
      const listed = must("tar", ["-tvf", file], work).split("\n");
      const content = listed.filter((line) => line.startsWith("-"));
      const files = content.reduce((total, line) => total + Number(line.split(/ +/)[2]), 0);
      return { digest, bytes: statSync(file).size, files, compressed: index === 0 ? 0 : weigh(file) };
    });
    rmSync(pushed, { recursive: true });
    return /** @type {Layer[]} */ (read);
  };
  /** @param {string} tag @param {string} context @param {Record<string, string>} args */
  const build = (tag, context, args) => {
    const certificates = process.env["NODE_EXTRA_CA_CERTS"];
    const trusted = certificates === undefined ? [] : ["--volume", `${certificates}:/run/ca.pem:ro`];
    const all = { ...args, ...(certificates === undefined ? {} : { NODE_EXTRA_CA_CERTS: "/run/ca.pem" }) };
    const how = ["--quiet", "--layers", "--pull-never", "--isolation=chroot", "--network=host"];
    const given = Object.entries(all).flatMap(([name, value]) => ["--build-arg", `${name}=${value}`]);
    buildah("bud", ...how, "--format=docker", ...trusted, ...given, "--tag", tag, context);
  };
  return {
    /** @param {string} from a base's name, or a directory @param {string} image */
    importBase: (from, image) => {
      const container = buildah("from", "scratch").trim();
      buildah("add", "--quiet", container, from.startsWith("/") ? from : ensureBase(from, work), "/");
      buildah("commit", "--quiet", container, image);
      buildah("rm", container);
    },
    build,
    /**
     * Builds the image that `gantry docker` describes.
     * @param {string} release @param {string} strategy @param {string} tag @param {string} base
     */
    buildStrategy: (release, strategy, tag, base = SLIM) => {
      const context = join(work, "context");
      rmSync(context, { recursive: true, force: true });
      const cli = join(root, "dist/cli.js");
      const named = base === SLIM ? [] : ["--base", base];
      must(
        process.execPath,
        [cli, "docker", release, "--strategy", strategy, "--out", context, ...named],
        work,
      );
      build(tag, context, { BASE: base, BUILDER: SLIM, BUILD_FROM: base });
    },
    /** Layers in order, those of the base first, without compressed sizes. @param {string} tag */
    layers: (tag) => readLayers(tag, () => Number.NaN),
    /** Layers with their compressed sizes. @param {string} tag */
    weighedLayers: (tag) => readLayers(tag, weighOnce),
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

/** @param {readonly Layer[]} layers @param {"bytes" | "files" | "compressed"} what */
export const sum = (layers, what) => layers.reduce((total, layer) => total + layer[what], 0);
