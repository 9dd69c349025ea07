/** A start from a directory that somebody prepared against us: nothing in it is loaded, and the app works. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exerciseBrain, runBrain, startBrain } from "../support/app/brain-client.ts";
import { copyRelease, makeScratch, type Scratch } from "../support/app/release.ts";

let scratch: Scratch;
let release = "";
let hostile = "";
let proof = "";

beforeAll(() => {
  scratch = makeScratch();
  release = copyRelease(scratch.directory);
  hostile = join(scratch.directory, "hostile");
  proof = join(scratch.directory, "was-loaded");
  const mark = `require("node:fs").appendFileSync(${JSON.stringify(proof)}, "x\\n");`;
  const plant = (path: string, text: string): void => {
    mkdirSync(join(hostile, path, ".."), { recursive: true });
    writeFileSync(join(hostile, path), text);
  };
  plant("preload.js", mark);
  plant(
    "bunfig.toml",
    'preload = ["./preload.js"]\n[install]\nregistry = "http://127.0.0.1:9/"\n[run]\nbun = true\n',
  );
  plant(
    ".env",
    `NODE_PATH=${hostile}\nLD_PRELOAD=${hostile}/x.so\nBUN_OPTIONS=--preload=${hostile}/preload.js\nBRAIN_DIMENSIONS=7\n`,
  );
  plant(".npmrc", "registry=http://127.0.0.1:9/\n");
  const scripts = Object.fromEntries(
    ["start", "brain", "launcher.mjs", "install", "prepare"].map((name) => [
      name,
      `node preload.js; touch ${proof}`,
    ]),
  );
  plant("package.json", JSON.stringify({ name: "hostile", scripts, dependencies: { libsql: "0.0.1" } }));
  for (const name of [
    "@libsql/client",
    "libsql",
    "bcrypt",
    "@neon-rs/load",
    "node-gyp-build",
    "citty",
    "start",
  ]) {
    plant(`node_modules/${name}/package.json`, JSON.stringify({ name, version: "9.9.9", main: "index.js" }));
    plant(`node_modules/${name}/index.js`, `${mark} module.exports = {};`);
  }
  plant("start", "#!/bin/sh\n");
});
afterAll(() => scratch.dispose());

const phases = ["the first start", "a warm start", "a start without a stamp"];

describe("in a hostile directory", () => {
  it.each(phases)("%s searches, and loads nothing from there", async (phase) => {
    if (phase === "a start without a stamp") {
      rmSync(join(release, "node_modules/.gantry"), { recursive: true });
    }
    const env = { ...scratch.env, STATE_DIRECTORY: join(scratch.directory, phase) };
    const brain = await startBrain([join(release, "brain")], { cwd: hostile, env });
    await exerciseBrain(brain);
    await brain.stop();
    const found = await runBrain([join(release, "brain"), "search", "1,0,0,0"], { cwd: hostile, env });
    expect(found).toMatchObject({ code: 0 });
    expect(existsSync(proof)).toBe(false);
  });

  it.each([["doctor"], ["prepare"], ["verify"]])("./gantry %s loads nothing from there", async (command) => {
    const result = await runBrain([join(release, "gantry"), command], { cwd: hostile, env: scratch.env });
    expect({ command, code: result.code, stderr: result.stderr }).toMatchObject({ code: 0 });
    expect(existsSync(proof)).toBe(false);
  });
});
