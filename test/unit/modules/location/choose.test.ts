/** Which place is chosen, from literal facts. */
import { describe, expect, it } from "vitest";
import type { Finding } from "../../../../src/base/errors.ts";
import type { CandidateFacts, LocationFacts, Reason } from "../../../../src/modules/location/facts.ts";
import { neededRoom } from "../../../../src/modules/location/facts.ts";
import { planLocation } from "../../../../src/modules/location/choose.ts";
import type { TreeLocation } from "../../../../src/modules/release/unpacked.ts";
import type { StoreVariable } from "../../../../src/release/store.ts";

const place = (parent: string): TreeLocation => ({
  modules: `${parent}/node_modules`,
  parent,
  stamps: `${parent}/node_modules/.gantry`,
  lock: `${parent}/.gantry-lock`,
});
const READ_ONLY: Finding = {
  code: "STORE_UNWRITABLE",
  what: "the modules are not prepared, and the file system is read-only (EROFS)",
  where: "/opt/app",
  fix: "run ./gantry prepare once as the owner of the release where it can be written; after that it starts",
};
const FULL: Reason = { code: "DISK_FULL", text: "1 B are free" };
const NOEXEC: Reason = { code: "STORE_NOEXEC", text: "no code can be loaded from it" };

const beside = (tree: CandidateFacts["tree"], unwritable?: Finding): LocationFacts["beside"] => ({
  location: place("/opt/app"),
  tree,
  unwritable,
});
const store = (
  variable: StoreVariable,
  tree: CandidateFacts["tree"],
  unwritable?: Reason,
  refused?: Reason,
): CandidateFacts => ({
  candidate: { variable, directory: `/${variable}`, refused: undefined },
  location: place(`/${variable}/gantry/tree`),
  refused,
  tree,
  unwritable,
});

describe("planPlace", () => {
  it.each([
    ["beside, when it can be written", beside("absent"), [], "read", "/opt/app"],
    ["beside, when a tree is there, even read-only", beside("present", READ_ONLY), [], "read", "/opt/app"],
    [
      "the first usable store",
      beside("absent", READ_ONLY),
      [store("GANTRY_STORE", "absent", FULL), store("HOME", "absent")],
      "read",
      "/HOME/gantry/tree",
    ],
    [
      "a later store with a tree, before an earlier one without",
      beside("absent", READ_ONLY),
      [store("GANTRY_STORE", "absent"), store("HOME", "present")],
      "read",
      "/HOME/gantry/tree",
    ],
    [
      "a proven tree, before one that has to be proven",
      beside("absent", READ_ONLY),
      [store("GANTRY_STORE", "present"), store("HOME", "ready")],
      "read",
      "/HOME/gantry/tree",
    ],
    [
      "a tree in a store that cannot be written",
      beside("absent", READ_ONLY),
      [store("GANTRY_STORE", "ready", FULL)],
      "read",
      "/GANTRY_STORE/gantry/tree",
    ],
    [
      "a store, when the tree beside has to be replaced",
      beside("present", READ_ONLY),
      [store("HOME", "ready")],
      "write",
      "/HOME/gantry/tree",
    ],
    [
      "not a tree that cannot be replaced",
      beside("present", READ_ONLY),
      [store("GANTRY_STORE", "ready", FULL), store("HOME", "absent")],
      "write",
      "/HOME/gantry/tree",
    ],
  ] as const)("%s", (_, own, candidates, need, expected) => {
    const plan = planLocation({ beside: own, candidates }, need);
    expect(plan.location.parent).toBe(expected);
    expect(plan.refusal).toBeUndefined();
  });

  it("lists every place when none will do, under the one code that they share", () => {
    const candidates = [store("GANTRY_STORE", "absent", FULL), store("HOME", "absent", FULL)];
    const { refusal, usable } = planLocation({ beside: beside("absent", READ_ONLY), candidates }, "read");
    expect(usable).toEqual([]);
    expect(refusal?.code).toBe("DISK_FULL");
    expect(refusal?.detail).toEqual([
      "beside the release, /opt/app: the file system is read-only (EROFS)",
      "GANTRY_STORE, /GANTRY_STORE/gantry: 1 B are free",
      "~/.cache, /HOME/gantry: 1 B are free",
    ]);
    expect(refusal?.fix).toMatch(/^run \.\/gantry prepare once as the owner .*; or free space/);
  });

  it("is STORE_UNWRITABLE when they fail for different reasons, or when there is none", () => {
    const mixed = [store("GANTRY_STORE", "absent", FULL), store("HOME", "absent", NOEXEC)];
    for (const candidates of [mixed, []]) {
      const { refusal } = planLocation({ beside: beside("absent", READ_ONLY), candidates }, "read");
      expect(refusal).toMatchObject({ code: "STORE_UNWRITABLE", where: "/opt/app" });
      expect(refusal?.detail).toHaveLength(candidates.length + 1);
    }
  });
});

it("the room for work and tree counts blocks, files and directories twice", () => {
  const digest = "0".repeat(64);
  const files = { "a.js": [1, digest], "lib/b.node": [4097, digest] } as const;
  const module = { name: "a", version: "1.0.0", digest, neededBy: ["a"], files } as never;
  expect(neededRoom([module])).toEqual({ bytes: 2 * (4096 + 8192), inodes: 2 * (2 + 2 + 1) });
});
