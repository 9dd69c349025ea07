/** The chain as it lies on a real file system: links, links in links, access lists. Root makes what others own. */
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readPrincipal } from "../../../src/trust/principal.ts";
import { readUnsafe } from "../../../src/trust/read.ts";
import { outsideTemporary } from "../../support/build/outside-temporary.ts";

let top = "";
beforeEach(() => {
  top = realpathSync(mkdtempSync(join(outsideTemporary(), ".gantry-trust-")));
  chmodSync(top, 0o755);
  for (const path of ["a/b/app/lib", "other"]) mkdirSync(join(top, path), { recursive: true, mode: 0o755 });
  writeFileSync(join(top, "a/b/app/lib/code"), "", { mode: 0o644 });
});
afterEach(() => rmSync(top, { recursive: true }));

const uid = process.getuid?.() ?? -1;
const judge = (root = join(top, "a/b/app")) =>
  readUnsafe({ directories: [root], files: [join(root, "lib/code")] }, readPrincipal(uid)).map(
    ({ entry, why }) => `${entry.path.slice(top.length)} ${why}`,
  );

it("one's own chain is safe, and what is not there is nobody's", () => {
  expect(judge()).toEqual([]);
  expect(judge(join(top, "nowhere/app"))).toEqual([]);
});

it.each([
  ["a", 0o777, "/a can be written by everybody"],
  ["a/b", 0o1777, undefined],
  ["a/b/app", 0o1777, "/a/b/app can be written by everybody"],
  ["a/b/app/lib", 0o1777, "/a/b/app/lib can be written by everybody"],
  ["a/b/app/lib/code", 0o666, "/a/b/app/lib/code can be written by everybody"],
])("%s with mode %o", (path, mode, expected) => {
  chmodSync(join(top, path), mode);
  expect(judge()).toEqual(expected === undefined ? [] : [expected]);
});

it("each link is looked at, and each directory that one of them leads through", () => {
  symlinkSync("../other/second", join(top, "a/first"));
  symlinkSync("../a/b", join(top, "other/second"));
  expect(judge(join(top, "a/first/app"))).toEqual([]);
  chmodSync(join(top, "other"), 0o777);
  expect(judge(join(top, "a/first/app"))).toEqual(["/other can be written by everybody"]);
});

it("links that lead in a circle end", () => {
  symlinkSync("loop", join(top, "loop"));
  expect(judge(join(top, "loop"))).toEqual([]);
});

describe.skipIf(uid !== 0)("what root meets of others'", () => {
  it.each(["a", "a/b/app", "a/b/app/lib/code"])("%s", (path) => {
    chownSync(join(top, path), 2001, 2001);
    expect(judge()).toEqual([`/${path} is owned by user 2001`]);
  });

  it("a link", () => {
    symlinkSync("b", join(top, "a/link"));
    lchownSync(join(top, "a/link"), 2001, 2001);
    expect(judge(join(top, "a/link/app"))).toEqual(["/a/link is owned by user 2001"]);
  });
});

const setList = (...args: string[]) => execFileSync("setfacl", [...args, join(top, "a/b/app")]);

describe.skipIf(spawnSync("setfacl", ["--version"]).error !== undefined)("an access list", () => {
  it("that lets somebody write is found by the group's bits", () => {
    setList("-m", "u:2001:rwx");
    expect(judge()).toEqual(["/a/b/app can be written by whom its access list names"]);
  });

  it("whose mask takes that away does no harm", () => {
    setList("-m", "u:2001:rwx");
    chmodSync(join(top, "a/b/app"), 0o755);
    expect(judge()).toEqual([]);
  });

  it.skipIf(uid !== 0)("that is not there lets one's own group write", () => {
    chmodSync(join(top, "a/b/app"), 0o775);
    expect(judge()).toEqual([]);
  });
});
