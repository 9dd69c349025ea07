import { expect, it } from "vitest";
import { formatSummary } from "../../../../src/build/release/summary-table.ts";
import { bunManifest } from "../../../support/build/manifests.ts";

it("the table names each file, but the launcher's and the app's own in a line each", () => {
  const files = {
    "lib/app/index.js": 1000,
    "lib/app/public/index.html": 500,
    "lib/launcher-ABC.mjs": 2000,
    "lib/launcher.mjs": 1000,
    "lib/preload.cjs": 600,
    "vendor/linux-x64-gnu.tar.gz": 3_000_000,
  };
  const text = formatSummary({
    target: "linux-x64-gnu",
    directory: "/releases/one",
    archive: "/releases/one.tar.gz",
    archiveBytes: 5_000_000,
    manifest: bunManifest,
    files,
    reasons: {},
    leftOut: [],
    loadedHere: true,
    started: { state: "skipped" },
  });
  const rows = text.split("\n").slice(1, 5);
  expect(rows.map((row) => row.trim().split(/ {2,}/))).toEqual([
    ["lib/app/", "1.5 kB", "in 2 files"],
    ["lib/launcher.mjs", "3.0 kB", "in 2 files"],
    ["lib/preload.cjs", "600 B"],
    ["vendor/linux-x64-gnu.tar.gz", "3.0 MB"],
  ]);
  expect(text.split("\n").filter((row) => row.length > 80)).toEqual([]);
});

it("the table says what the compiler put in place of NODE_ENV", () => {
  const text = formatSummary({
    target: "linux-x64-gnu",
    directory: "/releases/one",
    archive: "/releases/one.tar.gz",
    archiveBytes: 1,
    manifest: bunManifest,
    files: {},
    reasons: {},
    leftOut: [],
    nodeEnv: '"production"',
    loadedHere: true,
    started: { state: "skipped" },
  });
  expect(text).toContain('\ncompiled with process.env.NODE_ENV = "production"\n');
});
