/** Places that the attacker turns while root starts a release: rounds for each (support/adversary-rounds.ts), and none is won. */
import { ROUNDS } from "../../../support/adversary/rounds.ts";
import { spawn, spawnSync } from "node:child_process";
import {
  chownSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { storeTreeName } from "../../../../src/release/store.ts";
import {
  makeRelease,
  makeTree,
  noteFor,
  OTHER,
  place,
  run,
  STAMP,
  usePlace,
} from "../../../support/build/stub-trust.ts";

usePlace();

/** A note that leads to another one. */
function linkNote(modules: string, note: string, target: string): void {
  const path = join(modules, ".gantry", note);
  mkdirSync(dirname(path), { recursive: true });
  rmSync(path, { force: true });
  symlinkSync(target, path);
}

describe.skipIf(process.getuid?.() !== 0)("a race", () => {
  /** Renames two links or directories over one place as fast as it can, until its standard input ends. */
  const FLIP = `const fs = require("fs"); const [a, b, place] = process.argv.slice(1);
    let going = true; process.stdin.on("end", () => { going = false; }).resume();
    const turn = (to) => { fs.symlinkSync(to, place + ".new"); fs.renameSync(place + ".new", place); };
    console.log("turning");
    const round = () => { for (let i = 0; i < 50; i += 1) { turn(a); turn(b); } if (going) setImmediate(round); }; round();`;
  const flip = async (a: string, b: string, at: string) => {
    const child = spawn(process.execPath, ["-e", FLIP, a, b, at], { stdio: ["pipe", "pipe", "inherit"] });
    await new Promise((resolve) => child.stdout.once("data", resolve));
    return async () => {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.stdin.end();
      await ended;
    };
  };

  it.each([
    ["~/.cache/gantry between root's store and the attacker's", "gantry"],
    ["the store's whole directory", ""],
  ])(
    "of %s gives root nothing of the attacker's",
    async (_, turned) => {
      const home = join(place.top, "home");
      const [rootStore, evilStore] = [join(place.top, "root-store"), join(home, "evil")];
      mkdirSync(home);
      chownSync(home, OTHER, OTHER);
      const tree = storeTreeName({});
      const cache = join(home, ".cache");
      const rootTree = join(rootStore, turned === "" ? "gantry" : "", tree);
      const rootNotes = join(rootTree, "node_modules/.gantry");
      for (const [store, uid] of [
        [rootStore, 0],
        [evilStore, OTHER],
      ] as const) {
        const at = join(store, turned === "" ? "gantry" : "", tree);
        // Root's note says where root found it. The attacker's leads to that one.
        const note = noteFor(place.root, uid === 0 ? at : join(cache, "gantry", tree));
        makeTree(join(at, "node_modules"), uid, note);
        if (uid !== 0)
          linkNote(join(at, "node_modules"), note, join(rootNotes, noteFor(place.root, rootTree)));
        mkdirSync(join(at, ".gantry-used", place.root), { recursive: true });
        writeFileSync(join(at, ".gantry-used", place.root, STAMP), "");
      }
      if (turned !== "") mkdirSync(cache);
      const stop = await flip(rootStore, evilStore, join(cache, turned));
      try {
        const outcomes = Array.from({ length: ROUNDS }, () => run(["dash"], 0, { HOME: home }).stderr);
        expect(outcomes.filter((stderr) => !stderr.includes("start /"))).toEqual([]);
      } finally {
        await stop();
      }
    },
    120_000,
  );

  it("of exchanging root's release for the attacker's never runs the attacker's", async () => {
    const home = join(place.top, "home");
    const [good, evil] = [join(place.top, "good"), join(home, "evil")];
    mkdirSync(home);
    makeRelease(good);
    makeTree(join(good, "node_modules"), 0, noteFor(good));
    cpSync(good, evil, { recursive: true });
    linkNote(
      join(evil, "node_modules"),
      noteFor(join(home, "release")),
      join(good, "node_modules/.gantry", noteFor(good)),
    );
    writeFileSync(join(evil, "lib/app"), "#!/bin/sh\necho won\n");
    copyFileSync(join(good, "app"), join(home, "app"));
    spawnSync("chown", ["-R", `${OTHER}:${OTHER}`, home]);
    // Root reads a script that is right, and all else through what is turned.
    place.root = join(home, "release");
    const stop = await flip(good, evil, place.root);
    try {
      const said = Array.from({ length: ROUNDS }, () => {
        const { status, stdout, stderr } = spawnSync("dash", ["-s"], {
          encoding: "utf8",
          input: readFileSync(join(good, "app"), "utf8")
            .replace("gantry_self=$0", `gantry_self='${place.root}/app'`)
            .replace(/if \[ -h "\$gantry_self" \].*\n/, ""),
          env: { PATH: "/usr/bin:/bin" },
        });
        return `${status} ${stdout}${stderr.includes("STORE_UNSAFE") ? "" : stderr}`;
      });
      expect([...new Set(said)]).toEqual(["73 "]);
    } finally {
      await stop();
    }
  }, 120_000);
});
