/** Who may own and write what is run: tables of owners, modes and access lists, and the words for what is wrong. */
import { describe, expect, it } from "vitest";
import { trustFinding } from "../../../src/trust/finding.ts";
import { ownGroups } from "../../../src/trust/principal.ts";
import { needsList, unsafe, type Entry, type Principal } from "../../../src/trust/rule.ts";

const principal = (uid: number, gid = uid): Principal => ({ uid, gid, ownGroups: new Set([0, gid]) });
const ROOT = principal(0);
const USER = principal(1000);
/** The user of a container that may be any (OpenShift). */
const ANY = principal(1_000_650_000, 0);

const entry = (uid: number, mode: number, more: Partial<Entry> = {}): Entry => ({
  path: "/opt/app",
  kind: "directory",
  uid,
  gid: 0,
  mode,
  role: "holds",
  list: "none",
  ...more,
});

describe("what may be run", () => {
  it.each<[string, Entry, Principal, string | undefined]>([
    ["root's, by root", entry(0, 0o755), ROOT, undefined],
    ["a user's, by root", entry(1000, 0o755), ROOT, "is owned by user 1000"],
    ["a user's sticky one, by root", entry(1000, 0o1777, { role: "leads" }), ROOT, "is owned by user 1000"],
    ["a user's link, by root", entry(1000, 0o777, { kind: "link" }), ROOT, "is owned by user 1000"],
    ["root's link", entry(0, 0o777, { kind: "link" }), ROOT, undefined],
    ["open to all", entry(0, 0o757), ROOT, "can be written by everybody"],
    ["a file that is open to all", entry(0, 0o666, { kind: "file" }), ROOT, "can be written by everybody"],
    ["a sticky directory on the way", entry(0, 0o1777, { role: "leads" }), ROOT, undefined],
    ["a sticky directory that holds it", entry(0, 0o1777), ROOT, "can be written by everybody"],
    ["a file with the sticky bit", entry(0, 0o1666, { kind: "file" }), ROOT, "can be written by everybody"],
    ["open to another group", entry(0, 0o775, { gid: 100 }), ROOT, "can be written by group 100"],
    ["open to group 0", entry(0, 0o775), ROOT, undefined],
    ["open to a group, closed by its mode", entry(0, 0o755, { gid: 100, list: "some" }), ROOT, undefined],
    [
      "open to whom an access list names",
      entry(0, 0o775, { list: "some" }),
      ROOT,
      "can be written by whom its access list names",
    ],
    [
      "open to group 0, where access lists cannot be read",
      entry(0, 0o775, { list: "unknown" }),
      ROOT,
      "can be written by group 0, and perhaps by whom an access list names",
    ],
    ["a pipe", entry(0, 0o644, { kind: "other" }), ROOT, "is neither a file nor a directory"],
    ["root's, by a user", entry(0, 0o755), USER, undefined],
    ["one's own", entry(1000, 0o700), USER, undefined],
    ["one's own, open to one's own group", entry(1000, 0o775, { gid: 1000 }), USER, undefined],
    ["one's own, open to all", entry(1000, 0o777, { gid: 1000 }), USER, "can be written by everybody"],
    ["another user's, by a user", entry(1001, 0o755), USER, "is owned by user 1001"],
    ["another user's of group 0, by a user", entry(1001, 0o770), USER, "is owned by user 1001"],
    ["another user's of group 0, by any user", entry(10_001, 0o770, { list: "unknown" }), ANY, undefined],
    [
      "another user's of a group, by any user",
      entry(10_001, 0o770, { gid: 5 }),
      ANY,
      "is owned by user 10001",
    ],
    ["open to everybody, by any user", entry(10_001, 0o777), ANY, "can be written by everybody"],
  ])("%s", (_, facts, by, expected) => expect(unsafe(facts, by)).toBe(expected));

  it("needs its access list read only where that decides", () => {
    expect(needsList(entry(0, 0o775), ROOT)).toBe(true);
    expect(needsList(entry(0, 0o755), ROOT)).toBe(false);
    expect(needsList(entry(0, 0o775, { gid: 7 }), ROOT)).toBe(false);
    expect(needsList(entry(0, 0o1775, { role: "leads" }), ROOT)).toBe(false);
    expect(needsList(entry(10_001, 0o770), ANY)).toBe(false);
  });
});

describe("a group that nobody else is in", () => {
  const PASSWD = "root:x:0:0::/root:/bin/sh\nme:x:1000:1000::/:\nshe:x:1001:1001::/:\nall:x:1002:100::/:\n";
  const GROUP =
    "root:x:0:\nme:x:1000:\nstaff:x:50:\nhers:x:1001:\nusers:x:100:\nteam:x:60:me,she\nmine:x:61:me,root\n";
  it.each([
    ["is group 0", 0, true],
    ["is the user's private one", 1000, true],
    ["is not just any empty one", 50, false],
    ["is not another one, whoever is in it", 61, false],
    ["is not that of others", 1001, false],
    ["is not the primary one of others", 100, false],
    ["does not name others", 60, false],
    ["is not one that the files do not know", 77, false],
  ])("%s", (_, gid, expected) => expect(ownGroups(1000, PASSWD, GROUP).has(gid)).toBe(expected));

  it("may name this user and root", () => {
    expect(ownGroups(1000, PASSWD, GROUP.replace("me:x:1000:", "me:x:1000:me,root")).has(1000)).toBe(true);
  });

  it("is none that a second line gives to others", () => {
    expect(ownGroups(1000, PASSWD, `${GROUP}again:x:1000:she\n`).has(1000)).toBe(false);
  });

  it("is only group 0 where nothing can be read", () => expect([...ownGroups(1000, "", "")]).toEqual([0]));
});

const found = (...entries: Entry[]) =>
  entries.map((each) => ({ entry: each, why: unsafe(each, ROOT) ?? "" }));

describe("what is said", () => {
  const purpose = { root: "/opt/my app", command: "app" };

  it("is nothing when nothing is wrong", () => expect(trustFinding([], ROOT, purpose)).toBeUndefined());

  it("names every path, and closes what is root's", () => {
    const inside = entry(1000, 0o755, { path: "/opt/my app/lib" });
    const finding = trustFinding(found(entry(0, 0o777, { path: "/opt" }), inside), ROOT, purpose);
    expect(finding).toMatchObject({
      code: "STORE_UNSAFE",
      what: "root would run what others can change: /opt can be written by everybody (mode 777)",
      where: "/opt",
      fix: "chmod go-w /opt && chown -R 0:0 '/opt/my app' && chmod -R go-w '/opt/my app'",
    });
    expect(finding?.detail?.[0]).toBe("/opt/my app/lib is owned by user 1000 (mode 755)");
  });

  it("takes nobody's home away: root runs a copy", () => {
    const finding = trustFinding(found(entry(1000, 0o755, { path: "/home/me" })), ROOT, {
      root: "/home/me/app",
      command: "run",
    });
    expect(finding?.fix).toBe("cp -R /home/me/app /root/ && /root/app/run");
  });

  it("lets everybody else run a copy too", () => {
    const finding = trustFinding([{ entry: entry(0, 0o777), why: "" }], USER, {
      root: "/srv/app",
      command: "run",
    });
    expect(finding?.what).toContain("user 1000 would run");
    expect(finding?.fix).toBe("cp -R /srv/app ~/ && ~/app/run");
  });
});
