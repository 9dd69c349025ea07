/** Taking a release out of a directory whose owner changes it meanwhile: every round is refused or right. */
import { ROUNDS } from "../../support/adversary/rounds.ts";
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { GantryError } from "../../../src/base/errors.ts";
import {
  BUNDLE,
  CODE,
  digest,
  makeHostile,
  SECRET,
  SIGNATURE,
  type HostileRelease,
} from "../../support/service/hostile.ts";

let release: HostileRelease;
let child: ChildProcess | undefined;
beforeEach(() => {
  release = makeHostile();
  mkdirSync(join(release.root, "elsewhere"));
  for (const name of ["a.txt", "index.js"]) writeFileSync(join(release.root, "elsewhere", name), SECRET);
  release.put(`${BUNDLE}.minisig`, SIGNATURE);
});
afterEach(() => {
  child?.kill("SIGKILL");
  release.dispose();
});

/** Runs a loop in the release's directory until the test ends; comes back when it has begun. */
async function startChanging(loop: string): Promise<void> {
  const script = `const fs = require("node:fs"); process.chdir(${JSON.stringify(release.from)});
    const secret = ${JSON.stringify(release.secret)}; console.log("on"); ${loop}`;
  const started = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  child = started;
  await new Promise<void>((resolve) => started.stdout.once("data", () => resolve()));
}

/** @returns how many rounds were taken; in each of them these files are right, as far as they are there */
async function expectRight(files: Readonly<Record<string, string>>): Promise<number> {
  let taken = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const result = await release.take().catch((error: unknown) => error);
    release.expectNoSecret();
    if (result instanceof GantryError) {
      release.clear();
      continue;
    }
    taken += 1;
    const { to } = result as Awaited<ReturnType<HostileRelease["take"]>>;
    const found = Object.keys(files).filter((path) => existsSync(join(to, path)));
    const right = found.map((path) => [path, digest(readFileSync(join(to, path)))]);
    expect(right).toEqual(found.map((path) => [path, digest(files[path] ?? "")]));
    release.clear();
  }
  return taken;
}

const RIGHT = { "docs/a.txt": "words", "node_modules/ws/index.js": CODE, [`${BUNDLE}.minisig`]: SIGNATURE };

it.each([
  ["a file", "docs/a.txt", "secret"],
  ["a signature", `${BUNDLE}.minisig`, "secret"],
  ["a directory", "docs", '"../elsewhere"'],
  ["a module", "node_modules/ws", '"../elsewhere"'],
  ["the list of sums", "SHA256SUMS", "secret"],
])("%s is itself and a link to a secret by turns", async (_, name, to) => {
  await startChanging(`const name = ${JSON.stringify(name)};
    for (;;) { fs.renameSync(name, "y"); fs.symlinkSync(${to}, "x"); fs.renameSync("x", name);
      fs.unlinkSync(name); fs.renameSync("y", name); }`);
  console.log(`${await expectRight(RIGHT)} of ${ROUNDS} taken`);
});

it("a file's contents change while it is copied", async () => {
  const good = "a".repeat(3 << 20);
  release.put("docs/a.txt", good);
  const sums = readFileSync(release.at("SHA256SUMS"), "utf8").replace(digest("words"), digest(good));
  release.put("SHA256SUMS", sums);
  await startChanging(`const f = fs.openSync("docs/a.txt", "r+"); const [a, b] = ["a", "b"].map((c) => Buffer.alloc(4096, c));
    for (;;) { const p = Math.floor(Math.random() * 768) * 4096;
      fs.writeSync(f, b, 0, 4096, p); fs.writeSync(f, a, 0, 4096, p); }`);
  console.log(`${await expectRight({ "docs/a.txt": good })} of ${ROUNDS} taken`);
});
