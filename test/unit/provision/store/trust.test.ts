/** Who may own and write what is run: tables of owners and modes, and the words for what is wrong. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { mapsCode } from "../../../../src/provision/store/exec-probe.ts";
import {
  planTrust,
  readPathFacts,
  unsafeForRoot,
  unsafeForUser,
  type PathFacts,
} from "../../../../src/provision/store/trust.ts";

const fact = (
  path: string,
  uid: number,
  mode: number,
  role: PathFacts["role"] = "holds",
  gid = 0,
): PathFacts => ({
  path,
  uid,
  gid,
  mode,
  role,
});

describe("what root may run", () => {
  it.each([
    ["its own", fact("/opt/app", 0, 0o755), undefined],
    ["its own, writable by its own group", fact("/opt/app", 0, 0o775), undefined],
    ["writable by another group", fact("/opt/app", 0, 0o775, "holds", 100), "can be written by group 100"],
    ["writable by everybody", fact("/opt/app", 0, 0o777), "can be written by everybody"],
    ["in a sticky directory of root's", fact("/var/tmp", 0, 0o1777, "leads"), undefined],
    ["itself a sticky directory", fact("/var/tmp", 0, 0o1777), "can be written by everybody"],
    ["in a directory of a user's", fact("/home/me", 1000, 0o755, "leads"), "is owned by user 1000"],
    ["in a sticky directory of a user's", fact("/home/me", 1000, 0o1777, "leads"), "is owned by user 1000"],
  ])("%s", (_, facts, expected) => expect(unsafeForRoot(facts)).toBe(expected));

  it("is told with every path and the commands that mend it", () => {
    const finding = planTrust(
      [fact("/", 0, 0o755, "leads"), fact("/opt", 0, 0o777, "leads"), fact("/opt/app", 1000, 0o755)],
      "/opt/app",
    );
    expect(finding).toMatchObject({
      code: "STORE_UNSAFE",
      what: "root would run what others can change: /opt can be written by everybody (mode 777)",
      where: "/opt",
      detail: ["/opt/app is owned by user 1000 (mode 755)"],
    });
    expect(finding?.fix).toMatch(/^chown -R root:root \/opt\/app; chmod go-w \/opt; or run it as user 1000/);
  });

  it("is never mended by taking a home directory from its user", () => {
    const { fix } =
      planTrust(
        [fact("/home/me", 1000, 0o755, "leads"), fact("/home/me/app", 1000, 0o755)],
        "/home/me/app",
      ) ?? {};
    expect(fix).toMatch(/^move \/home\/me\/app out of \/home\/me/);
    expect(fix).not.toMatch(/(?:chown|chmod) \S+ \/home\/me(?:;|$)/);
  });

  it("says nothing when nothing is wrong", () => {
    expect(planTrust([fact("/", 0, 0o755, "leads"), fact("/opt/app", 0, 0o755)], "/opt/app")).toBeUndefined();
  });
});

it.each([
  ["one's own, however open", fact("/s", 1000, 0o777), undefined],
  ["root's, closed", fact("/s", 0, 0o755), undefined],
  [
    "another user's, open to others",
    fact("/s", 1001, 0o777),
    "is owned by user 1001 and can be written by others",
  ],
  ["on the way, open to others", fact("/s", 0, 0o777, "leads"), undefined],
  ["another's, open to group 0", fact("/s", 1001, 0o770), undefined],
  [
    "another's, open to another group",
    fact("/s", 1001, 0o770, "holds", 1002),
    "is owned by user 1001 and can be written by others",
  ],
])("what a user may take: %s", (_, facts, expected) => expect(unsafeForUser(facts, 1000)).toBe(expected));

it("every directory up to the root is read, and what is not there is left out", () => {
  const directory = mkdtempSync(join(tmpdir(), "gantry-trust-"));
  try {
    const facts = readPathFacts([directory, join(directory, "missing")]);
    const paths = facts.map(({ path }) => path);
    expect(paths[0]).toBe("/");
    expect(paths).toContain(tmpdir());
    expect(facts.at(-1)).toMatchObject({ path: directory, mode: 0o700, role: "holds" });
  } finally {
    rmSync(directory, { recursive: true });
  }
});

it("code can be mapped from an ordinary directory", () => {
  const directory = mkdtempSync(join(tmpdir(), "gantry-trust-"));
  try {
    expect(mapsCode(directory)).toBe(true);
    rmSync(directory, { recursive: true });
    expect(() => mapsCode(directory)).toThrow(/ENOENT/);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
