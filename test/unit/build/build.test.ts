/** A build as a program calls it: the steps that it tells of, and what is left when it is aborted. */
import { existsSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { expect, it } from "vitest";
import { buildRelease, createLog, createScratch, type BuildEvent } from "../../../src/index.ts";
import { BUN_PATH, makeApp, makeDirectory } from "../../support/build/scratch.ts";

const log = createLog({ format: "journal", level: "error", write: () => true });

function plan(progress: (event: BuildEvent) => void, signal?: AbortSignal) {
  const appDir = makeApp({
    "package.json": {
      name: "plain",
      version: "1.0.0",
      gantry: { entry: "main.ts", binary: "plain" },
    },
    "main.ts": 'console.log("here");\n',
  });
  const out = join(makeDirectory(), "releases");
  return { appDir, out, targets: [], bun: BUN_PATH, environment: process.env, log, progress, signal };
}

it("tells of each step when it begins, and makes no archive when told so", async () => {
  const steps: string[] = [];
  const options = plan(({ step }) => steps.push(step));
  const [built] = await buildRelease(options);
  expect(steps).toEqual(["install", "compile", "prove", "start", "pack"]);
  expect(existsSync(built?.archive ?? "")).toBe(true);
  // The archive is then of an earlier build.
  const [again] = await buildRelease({ ...options, archive: "off", smoke: "off" });
  expect(steps.slice(5)).toEqual(["install", "compile", "prove"]);
  expect(again).toMatchObject({ archive: undefined, archiveBytes: undefined });
  expect(readdirSync(options.out)).toEqual([basename(again?.directory ?? "")]);
});

it.each(["compile", "pack"] as const)("leaves nothing when aborted at %s", async (at) => {
  const controller = new AbortController();
  const options = plan(({ step }) => {
    if (step === at) controller.abort(new Error("enough"));
  }, controller.signal);
  const made: string[] = [];
  const real = createScratch();
  const scratch = {
    ...real,
    makeBeside: (parent: string) => {
      made.push(real.makeBeside(parent));
      return made.at(-1) ?? "";
    },
  };
  // Whatever the release would do: it is never started.
  await expect(buildRelease({ ...options, scratch, smoke: "off" })).rejects.toThrow("enough");
  expect(made).toHaveLength(1);
  expect(made.filter((path) => existsSync(path))).toEqual([]);
  expect(existsSync(options.out)).toBe(false);
});
