// Real native modules to measure readers with: fetched once from the npm registry into a cache outside the repository.
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  closeSync,
  renameSync,
  rmSync,
} from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

const CACHE = process.env["GANTRY_BENCH_CACHE"] ?? join(homedir(), ".cache/gantry-bench");

/** Packages that carry many ELF modules each, of several machines and both C libraries. */
const PACKAGES = [
  "bcrypt@6.0.0",
  "bufferutil@4.0.9",
  "utf-8-validate@6.0.5",
  "leveldown@6.1.1",
  "classic-level@1.4.1",
  "node-hid@3.1.2",
  "usb@2.14.0",
  "@serialport/bindings-cpp@12.0.1",
  "sodium-native@4.3.3",
  "argon2@0.44.0",
  "keccak@3.0.4",
  "secp256k1@5.0.1",
  "rocksdb@5.2.1",
  "@lmdb/lmdb-linux-x64@3.2.6",
  "@lmdb/lmdb-linux-arm64@3.2.6",
  "@msgpackr-extract/msgpackr-extract-linux-x64@3.0.3",
  "@msgpackr-extract/msgpackr-extract-linux-arm64@3.0.3",
  "@parcel/watcher-linux-x64-glibc@2.5.1",
  "@parcel/watcher-linux-x64-musl@2.5.1",
  "@node-rs/argon2-linux-x64-gnu@2.0.2",
  "@node-rs/bcrypt-linux-x64-gnu@1.10.7",
  "@rollup/rollup-linux-x64-gnu@4.40.0",
  "@rollup/rollup-linux-x64-musl@4.40.0",
  "lightningcss-linux-x64-gnu@1.29.3",
  "@libsql/linux-x64-gnu@0.5.11",
  "@libsql/linux-x64-musl@0.5.11",
  "@rollup/rollup-linux-arm64-gnu@4.40.0",
  "@rollup/rollup-linux-arm64-musl@4.40.0",
  "@rollup/rollup-linux-s390x-gnu@4.40.0",
  "@rollup/rollup-linux-riscv64-gnu@4.40.0",
  "@rollup/rollup-linux-arm-gnueabihf@4.40.0",
  "@parcel/watcher-linux-arm64-glibc@2.5.1",
  "@parcel/watcher-linux-arm-glibc@2.5.1",
  "lightningcss-linux-arm64-gnu@1.29.3",
  "lightningcss-linux-x64-musl@1.29.3",
  "@node-rs/argon2-linux-arm64-gnu@2.0.2",
  "@node-rs/argon2-linux-x64-musl@2.0.2",
  "@node-rs/bcrypt-linux-x64-musl@1.10.7",
  "@node-rs/bcrypt-linux-arm64-gnu@1.10.7",
];

/** @param {string} spec */
function ensurePackage(spec) {
  const directory = join(CACHE, spec.replaceAll("/", "+"));
  if (existsSync(directory)) return;
  mkdirSync(CACHE, { recursive: true });
  const work = mkdtempSync(join(CACHE, "fetch-"));
  const packed = spawnSync("npm", ["pack", spec, "--silent", "--pack-destination", work], {
    encoding: "utf8",
  });
  const name = packed.stdout.trim().split("\n").at(-1) ?? "";
  const opened = spawnSync("tar", ["-xzf", join(work, name), "-C", work]);
  if (packed.status === 0 && opened.status === 0) {
    rmSync(join(work, name));
    renameSync(work, directory);
  } else {
    rmSync(work, { recursive: true });
    console.log(`not fetched, and so not measured: ${spec}`);
  }
}

/** @param {string} path */
function isElf(path) {
  const descriptor = openSync(path, "r");
  const head = Buffer.alloc(4);
  readSync(descriptor, head);
  closeSync(descriptor);
  return head.toString("latin1") === "\u007fELF";
}

/**
 * Absolute paths of `count` ELF modules, the same ones in the same order every time.
 * @param {number} count
 */
export function fetchNatives(count) {
  for (const spec of PACKAGES) ensurePackage(spec);
  const files = readdirSync(CACHE, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".node"))
    .toSorted()
    .map((path) => join(CACHE, path))
    .filter(isElf);
  return files.slice(0, count);
}
