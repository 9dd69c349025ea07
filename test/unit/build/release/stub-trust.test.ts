/**
 * What the scripts of a release run when others could have changed it: attacks on the warm start, which has builtins
 * alone, and on the cold one before anything of the release is executed.
 */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  mkdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { storeTreeName } from "../../../../src/release/store.ts";
import {
  beside,
  COLD,
  makeRelease,
  makeTree,
  ME,
  noteFor,
  OTHER,
  place,
  run,
  STAMP,
  usePlace,
  WARM,
} from "../../../support/build/stub-trust.ts";
import { SHELLS } from "../../../support/build/shells.ts";

usePlace();

describe.skipIf(process.getuid?.() !== 0).each(SHELLS.map((shell) => [shell.join(" "), shell] as const))(
  "under %s",
  (_, shell) => {
    it("root takes the word of a note that root left for this very way", () => {
      makeTree(beside(), 0, noteFor(place.root));
      expect(run(shell, 0)).toEqual(WARM);
    });

    it.each<[string, () => void]>([
      ["a stamp without a note", () => makeTree(beside(), 0, undefined)],
      ["a note for another way", () => makeTree(beside(), 0, noteFor(join(place.top, "elsewhere")))],
      [
        "another user's note",
        () => {
          makeTree(beside(), 0, noteFor(place.root));
          const note = join(beside(), ".gantry", noteFor(place.root));
          chownSync(note, ME, ME);
        },
      ],
      [
        "another user's link to a note of root's",
        () => {
          const other = join(place.top, "other");
          makeTree(join(other, "node_modules"), 0, noteFor(other));
          makeTree(beside(), ME, noteFor(place.root));
          const note = join(beside(), ".gantry", noteFor(place.root));
          rmSync(note);
          symlinkSync(join(other, "node_modules/.gantry", noteFor(other)), note);
        },
      ],
      [
        "a note for a path that only begins with the right one",
        () => makeTree(beside(), 0, noteFor(`${place.root}x`)),
      ],
      [
        "a tree that is another release's, through a link",
        () => {
          const other = join(place.top, "other");
          makeRelease(other);
          makeTree(join(other, "node_modules"), 0, noteFor(other));
          symlinkSync(join(other, "node_modules"), beside());
        },
      ],
    ])("root does not take the word of %s", (_what, prepare) => {
      prepare();
      expect(run(shell, 0)).toEqual(COLD);
    });

    it("root does not take a user's word, and runs nothing of that user's", () => {
      makeTree(beside(), OTHER, noteFor(place.root));
      chownSync(place.root, OTHER, OTHER);
      const { status, stdout, stderr } = run(shell, 0);
      expect({ status, stdout }).toEqual({ status: 73, stdout: "" });
      expect(stderr).toContain(
        `gantry: STORE_UNSAFE: root would run what others can change: ${place.root} is owned by user ${OTHER} (mode 755)\n`,
      );
      expect(stderr).not.toContain("start /");
    });

    it.each<[string, string, () => void]>([
      ["lib/app", `is owned by user ${OTHER}`, () => chownSync(join(place.root, "lib/app"), OTHER, OTHER)],
      [
        "lib/launcher.mjs",
        "can be written by everybody",
        () => chmodSync(join(place.root, "lib/launcher.mjs"), 0o666),
      ],
      ["lib", `is owned by user ${OTHER}`, () => chownSync(join(place.root, "lib"), OTHER, OTHER)],
      [
        "gantry",
        "can be written by group 77",
        () => {
          chownSync(join(place.root, "gantry"), 0, 77);
          chmodSync(join(place.root, "gantry"), 0o775);
        },
      ],
      ["", "can be written by everybody", () => chmodSync(place.root, 0o1777)],
      ["..", "can be written by everybody", () => chmodSync(place.top, 0o777)],
    ])("a cold start looks at %s before anything is executed", (path, why, damage) => {
      damage();
      for (const script of ["app", "gantry"]) {
        const { status, stdout, stderr } = run(shell, 0, {}, script);
        expect({ status, stdout }).toEqual({ status: 73, stdout: "" });
        expect(stderr).toContain(`what others can change: ${join(place.root, path)} ${why}`);
        expect(stderr).not.toContain("start /");
      }
      expect(run(shell, 0, { GANTRY_SKIP: "STORE_UNSAFE" })).toEqual(COLD);
    });

    it("a sticky directory may lead there, and each link on the way is looked at", () => {
      chmodSync(place.top, 0o1777);
      expect(run(shell, 0)).toEqual(COLD);
      symlinkSync(place.root, join(place.top, "link"));
      const real = place.root;
      place.root = join(place.top, "link");
      expect(run(shell, 0)).toEqual(COLD);
      lchownSync(place.root, OTHER, OTHER);
      expect(run(shell, 0).stderr).toContain(`${place.root} is owned by user ${OTHER}`);
      place.root = real;
    });

    it("the command that is named does what was wanted, pasted as it is", () => {
      place.root = join(place.top, "it's $(touch owned)");
      makeRelease(place.root);
      chownSync(join(place.root, "lib"), OTHER, OTHER);
      chmodSync(join(place.root, "lib/app"), 0o777);
      const fix = /^ {2}fix {3}(.*)$/m.exec(run(shell, 0).stderr)?.[1] ?? "";
      expect(spawnSync("/bin/sh", ["-c", fix], { encoding: "utf8", cwd: place.top })).toMatchObject(COLD);
      expect(existsSync(join(place.top, "owned"))).toBe(false);
    });

    it("another user's release is run by nobody; a copy of it is", () => {
      chownSync(join(place.root, "lib/app"), OTHER, OTHER);
      const home = join(place.top, "home");
      mkdirSync(home);
      chownSync(home, ME, ME);
      const { status, stderr } = run(shell, ME, { HOME: home });
      expect(status).toBe(73);
      expect(stderr).toContain(
        `user ${ME} would run what others can change: ${place.root}/lib/app is owned by`,
      );
      const fix = /^ {2}fix {3}(.*)$/m.exec(stderr)?.[1] ?? "";
      const command = ["--reuid=2002", "--regid=2002", "--clear-groups", "/bin/sh", "-c", fix];
      expect(spawnSync("setpriv", command, { encoding: "utf8" })).toMatchObject(COLD);
    });

    it("a user trusts files beside the script unless everybody may write there", () => {
      makeTree(beside(), 0, undefined);
      expect(run(shell, ME)).toEqual(WARM);
      chmodSync(place.root, 0o1777);
      expect(run(shell, ME)).toMatchObject({ status: 73, stdout: "" });
    });

    it("a tree that another user forged in a store that is open to all runs as nobody", () => {
      const store = join(place.top, "store");
      mkdirSync(join(store, "gantry"), { recursive: true });
      for (const path of [store, join(store, "gantry")]) chmodSync(path, 0o1777);
      const tree = join(store, "gantry", storeTreeName({}));
      const modules = join(tree, "node_modules");
      makeTree(modules, OTHER, noteFor(place.root, tree));
      mkdirSync(join(tree, ".gantry-used", place.root), { recursive: true });
      writeFileSync(join(tree, ".gantry-used", place.root, STAMP), "");
      spawnSync("chown", ["-R", `${OTHER}:${OTHER}`, tree]);
      for (const uid of [ME, 0]) expect(run(shell, uid, { GANTRY_STORE: store })).toEqual(COLD);
    });
  },
);
