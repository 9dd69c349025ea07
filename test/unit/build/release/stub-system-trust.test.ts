/** Whose Node a release on the host's own Node runs: judged before it runs at all, for whoever runs it. */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { renderStubs } from "../../../../src/build/release/stub.ts";
import {
  beside,
  makeTree,
  noteFor,
  MANIFEST,
  ME,
  OTHER,
  place,
  run,
  STAMP,
  usePlace,
} from "../../../support/build/stub-trust.ts";
import { SHELLS } from "../../../support/build/shells.ts";

usePlace();

let bin = "";
beforeEach(() => {
  const { executable: _, ...manifest } = MANIFEST;
  const runtime = { kind: "node", version: "24.21.0", abi: 137, system: true, entry: "lib/app.js" } as const;
  const stubs = renderStubs({
    manifest: { ...manifest, runtime },
    base: "app-v1",
    releaseId: "0123456789abcdef",
    launcher: ["launcher.mjs"],
    proven: [],
  });
  for (const [name, text] of Object.entries(stubs)) writeFileSync(join(place.root, name), text);
  writeFileSync(join(place.root, "lib/app.js"), "");
  bin = putNode("home", 0);
  writeFileSync(join(place.top, "ran"), "");
  chmodSync(join(place.top, "ran"), 0o666);
});

/** A directory with a Node in it that leaves its mark where it was run. */
function putNode(name: string, owner: number): string {
  const directory = join(place.top, name);
  mkdirSync(directory);
  const node = join(directory, "node");
  const line = `#!/bin/sh\necho "$*" >>'${place.top}/ran'\n`;
  const answer = `if [ "$1" = -p ]; then echo "137 v24.1.0"; else echo "ran $*"; fi\n`;
  writeFileSync(node, line + answer, { mode: 0o755 });
  for (const path of [node, directory]) {
    utimesSync(path, 0, 0);
    chownSync(path, owner, owner);
  }
  return directory;
}
const start = (shell: readonly string[], uid: number, env: Readonly<Record<string, string>> = {}) =>
  ["app", "gantry"].map((script) => run(shell, uid, { PATH: `${bin}:/usr/bin:/bin`, ...env }, script));
const ran = () => readFileSync(join(place.top, "ran"), "utf8") !== "";
/** A stamp that says that `real` is the Node which was proven. */
const markTree = (owner: number, real: string): void => {
  makeTree(beside(), owner, noteFor(place.root));
  const mark = join(beside(), ".gantry", `${STAMP}.node`);
  writeFileSync(mark, `${bin}/node\n${real}\n`);
  chownSync(mark, owner, owner);
};

describe.skipIf(process.getuid?.() !== 0).each(SHELLS.map((shell) => [shell.join(" "), shell] as const))(
  "under %s",
  (_, shell) => {
    it.each<[string, number, () => void, string, string]>([
      [
        "root: one in a directory of another user",
        0,
        () => chownSync(bin, OTHER, OTHER),
        "home",
        "owned by user 2001",
      ],
      [
        "root: another user's file",
        0,
        () => chownSync(join(bin, "node"), OTHER, OTHER),
        "home/node",
        "owned by user 2001",
      ],
      [
        "root: one that everybody can change",
        0,
        () => chmodSync(join(bin, "node"), 0o777),
        "home/node",
        "by everybody",
      ],
      [
        "root: root's link to another user's",
        0,
        () => linkTo(putNode("theirs", OTHER)),
        "theirs",
        "owned by user 2001",
      ],
      ["a user: a third user's", ME, () => chownSync(bin, OTHER, OTHER), "home", "owned by user 2001"],
      [
        "a user: a third user's file",
        ME,
        () => chownSync(join(bin, "node"), OTHER, OTHER),
        "home/node",
        "owned by user 2001",
      ],
    ])("%s is refused before it runs", (_who, uid, prepare, where, why) => {
      prepare();
      for (const { status, stdout, stderr } of start(shell, uid)) {
        expect({ status, stdout }).toEqual({ status: 73, stdout: "" });
        expect(stderr).toMatch(
          new RegExp(`^gantry: STORE_UNSAFE: .* what others can change: ${place.top}/${where} .*${why}`),
        );
        expect(stderr).toContain(`\n  file  ${join(place.top, where)}\n  fix   `);
      }
      expect(ran()).toBe(false);
    });

    it.each<[string, number, number]>([
      ["root: root's own", 0, 0],
      ["a user: the user's own, as in ~/.nvm", ME, ME],
      ["a user: root's", ME, 0],
    ])("%s runs", (_who, uid, owner) => {
      for (const path of [bin, join(bin, "node")]) chownSync(path, owner, owner);
      for (const { status, stdout, stderr } of start(shell, uid)) {
        expect(stderr).not.toContain("STORE_UNSAFE");
        expect({ status, stdout: stdout + stderr }).toMatchObject({
          status: 0,
          stdout: expect.stringContaining("ran "),
        });
      }
    });

    it("root closes its own directory by the command that is named", () => {
      chmodSync(bin, 0o777);
      const [{ stderr } = { stderr: "" }] = start(shell, 0);
      const fix = /^ {2}fix {3}(.*)$/m.exec(stderr)?.[1] ?? "";
      expect(fix).toBe(`chmod go-w ${bin} && ${place.root}/app x`);
      chmodSync(join(place.root, "app"), 0o755);
      const env = { PATH: `${bin}:/usr/bin:/bin` };
      expect(spawnSync("/bin/sh", ["-c", fix], { env, encoding: "utf8" })).toMatchObject({ status: 0 });
      expect(ran()).toBe(true);
    });

    it("the caller's own Node is named with a copy of it when root has none under sudo", () => {
      for (const path of [bin, join(bin, "node")]) chownSync(path, ME, ME);
      for (const { stderr } of start(shell, 0, { SUDO_UID: String(ME) }))
        expect(stderr).toMatch(
          / {2}fix {3}(sudo install -m 755 .* && )?sudo env PATH=\/usr\S*:\/usr\/bin:\/bin \//,
        );
      expect(ran()).toBe(false);
    });

    it("root takes a Node from a stamp by its own note alone, and then judges no more", () => {
      markTree(0, `${putNode("real", 0)}/node`);
      const [warm] = start(shell, 0);
      expect(warm).toMatchObject({ status: 0, stderr: "" });
    });

    it.each([
      ["another user's tree", OTHER, false],
      ["a tree without root's note", 0, true],
    ])("the Node that %s names is neither judged nor run", (_what, owner, removed) => {
      const evil = putNode("evil", OTHER);
      writeFileSync(join(evil, "node"), `#!/bin/sh\n: >'${place.top}/won'\n`);
      utimesSync(evil, 0, 0);
      markTree(owner, join(evil, "node"));
      if (removed) spawnSync("rm", [join(beside(), ".gantry", noteFor(place.root))]);
      // Somebody else seems to be at work: this start waits for a turn, and looks at the stamp again.
      writeFileSync(join(place.root, startGate()), `${process.pid}\n`);
      for (const { stderr } of start(shell, 0)) expect(stderr).not.toContain("STORE_UNSAFE");
      expect(existsSync(join(place.top, "won"))).toBe(false);
      expect(ran()).toBe(true);
      chownSync(bin, OTHER, OTHER);
      for (const { status } of start(shell, 0)) expect(status).toBe(73);
    });
  },
);

/** The PATH leads to root's own directory, and the link in it to another's. */
function linkTo(directory: string): void {
  spawnSync("rm", [join(bin, "node")]);
  symlinkSync(join(directory, "node"), join(bin, "node"));
}

function startGate(): string {
  return /gantry_gate=\$gantry_root\/(\S+)/.exec(readFileSync(join(place.root, "app"), "utf8"))?.[1] ?? "";
}
