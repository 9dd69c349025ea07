import { describe, expect, it } from "vitest";
import { explain } from "../../../src/compat/explain.ts";
import type { CompatFinding, FileVerdict } from "../../../src/compat/compat-finding.ts";
import type { Finding } from "../../../src/base/errors.ts";
import { reconcile, type Evidence } from "../../../src/modules/proof/reconcile.ts";

const TOO_OLD: CompatFinding = {
  code: "LIBC_TOO_OLD",
  severity: "error",
  file: "/x/node_modules/a/a.node",
  what: "a.node needs GLIBC_2.38, this host has 2.36",
  evidence: "GLIBC_2.38",
  fix: "use the musl release",
};
const bad: FileVerdict = { path: TOO_OLD.file, verdict: "fail", findings: [TOO_OLD] };
const good: FileVerdict = { path: TOO_OLD.file, verdict: "ok", findings: [] };
const FAILED: Finding = {
  code: "MODULE_UNAVAILABLE",
  what: "a does not load",
  where: "node_modules/a",
  detail: ["said"],
};
const CRASHED: Finding = { code: "LOAD_CRASHED", what: "loading a ended the process (SIGSEGV)", where: "a" };

const outcome = (file: FileVerdict, probe: Finding | undefined, more: Partial<Evidence> = {}) =>
  reconcile({ name: "a", files: [["a/a.node", file]], probe, explain, skip: new Set(), ...more });

describe("reconcile", () => {
  it("has nothing to say when both agree that it loads", () => {
    expect(outcome(good, undefined)).toEqual({});
  });

  it("gives the rule's code and fix with the loader's message when both refuse it", () => {
    expect(outcome(bad, FAILED).failure).toEqual({
      code: "LIBC_TOO_OLD",
      what: TOO_OLD.what,
      where: "node_modules/a/a.node",
      detail: ["said"],
      fix: "use the musl release",
    });
  });

  it("lets the probe decide, and shows both, when only the rules object", () => {
    const { failure, warning } = outcome(bad, undefined);
    expect(failure).toBeUndefined();
    expect(warning).toMatch(
      /^a loads, although .*GLIBC_2\.38.*\(LIBC_TOO_OLD in node_modules\/a\/a\.node\)$/,
    );
  });

  it("explains a message that the rules did not foresee", () => {
    const detail = ["Error: /x/a.node: invalid ELF header"];
    const { failure } = outcome(good, { ...FAILED, detail });
    expect(failure?.detail).toEqual([detail[0], expect.stringMatching(/^cause: \S/)]);
    expect(failure?.fix).toMatch(/\S/);
    expect(outcome(good, FAILED).failure).toBe(FAILED);
  });

  it("keeps a crash a crash, and names its likely cause", () => {
    const { failure } = outcome(bad, CRASHED);
    expect(failure).toMatchObject({ code: "LOAD_CRASHED", fix: "use the musl release" });
    expect(failure?.detail).toEqual([`likely cause: LIBC_TOO_OLD: ${TOO_OLD.what}`]);
  });

  it("tells the likely cause of a signal by its name where nothing was said", () => {
    const what = "loading a ended the process (SIGILL)";
    const { failure } = outcome(good, { ...CRASHED, what });
    expect(failure).toMatchObject({ code: "LOAD_CRASHED", what });
    expect(failure?.detail).toEqual([expect.stringMatching(/^cause: the processor lacks an instruction/)]);
    expect(failure?.fix).toContain("for older processors");
  });

  it("skips a code only aloud", () => {
    const skipped = outcome(bad, FAILED, { skip: new Set(["LIBC_TOO_OLD"]) });
    expect(skipped.failure).toBeUndefined();
    expect(skipped.warning).toContain("LIBC_TOO_OLD");
    expect(skipped.warning).toContain("GANTRY_SKIP");
  });

  it("leaves alone what is no module's fault", () => {
    const exec: Finding = { code: "EXEC_FAILED", what: "x" };
    expect(outcome(bad, exec).failure).toBe(exec);
  });
});
