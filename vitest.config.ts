import { defineConfig } from "vitest/config";

/** Those that measure, that fill the whole machine, or that break the same releases: after all others, one at a time. */
const ALONE = ["commands", "adversity", "damage", "faults", "powerloss", "runtime-damage", "scarcity"].map(
  (name) => `test/hosts/${name}.test.ts`,
);

export default defineConfig({
  test: {
    reporters: [
      "default",
      ["json", { outputFile: `reports/${process.env["GANTRY_TEST_REPORT"] ?? "test"}.json` }],
    ],
    testTimeout: 300_000,
    hookTimeout: 600_000,
    maxWorkers: 2,
    setupFiles: ["test/support/after-each.ts"],
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts"],
          globalSetup: ["test/support/launcher/setup.ts"],
          // Starting a process and reading src/ anew for each file takes longer than most of the files.
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          globalSetup: ["test/support/app/setup.ts"],
        },
      },
      {
        extends: true,
        test: {
          name: "hosts",
          include: ["test/hosts/**/*.test.ts"],
          exclude: ALONE,
          globalSetup: ["test/support/hosts/setup.ts"],
        },
      },
      {
        extends: true,
        test: {
          name: "hosts-alone",
          include: ALONE,
          globalSetup: ["test/support/hosts/setup.ts"],
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
