/** The stores that an environment names, and the rules that the stub spells too. */
import { describe, expect, it } from "vitest";
import { parseCandidates, storeTreeName } from "../../../src/release/store.ts";
import { MANIFEST } from "../../support/modules/tree.ts";

const list = (environment: Readonly<Record<string, string>>) =>
  parseCandidates(environment).map(({ variable, directory }) => `${variable} ${directory}`);
const refusal = (directory: string, environment: Readonly<Record<string, string>> = {}) =>
  parseCandidates({ GANTRY_STORE: directory, ...environment })[0]?.refused;

describe("parseCandidates", () => {
  it("keeps their order and the first of several directories, without unset ones", () => {
    const environment = {
      HOME: "/home/me/",
      XDG_CACHE_HOME: "/caches",
      CACHE_DIRECTORY: "/var/cache/a:/var/cache/b",
      STATE_DIRECTORY: "/var/lib/a:/var/lib/b",
      GANTRY_STORE: "/srv/store/",
    };
    expect(list(environment)).toEqual([
      "GANTRY_STORE /srv/store",
      "STATE_DIRECTORY /var/lib/a",
      "CACHE_DIRECTORY /var/cache/a",
      "XDG_CACHE_HOME /caches",
      "HOME /home/me/.cache",
    ]);
    expect(list({ HOME: "", GANTRY_STORE: "", STATE_DIRECTORY: "" })).toEqual([]);
  });

  it.each([
    "/tmp",
    "/tmp/",
    "/tmp/a/b",
    "/var/tmp/x",
    "relative",
    "./here",
    "/a/../tmp",
    "/a//b",
    "/a/./b",
    "/",
  ])("refuses %s", (directory) =>
    expect(refusal(directory)).toMatch(/^it is not|^\/(?:var\/)?tmp is for temporary|root directory/),
  );

  it("refuses what lies in TMPDIR, as far as that is a directory of its own", () => {
    expect(refusal("/scratch/a", { TMPDIR: "/scratch/" })).toMatch(/^\/scratch is for temporary/);
    expect(refusal("/scratches", { TMPDIR: "/scratch" })).toBeUndefined();
    expect(refusal("/srv", { TMPDIR: "/" })).toBeUndefined();
    expect(refusal("/srv", { TMPDIR: "srv" })).toBeUndefined();
    expect(refusal("/tmpfs/a")).toBeUndefined();
  });
});

it("a tree's name depends on its modules alone, not on which release asks", () => {
  const name = storeTreeName(MANIFEST.modules);
  expect(name).toMatch(/^[0-9a-f]{32}$/);
  expect(storeTreeName({ ...MANIFEST.modules })).toBe(name);
  const { shared, ...rest } = MANIFEST.modules;
  expect(shared).toBeDefined();
  expect(storeTreeName(rest)).not.toBe(name);
});
