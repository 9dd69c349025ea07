/** What exit status, output and sockets of a start mean. */
import { describe, expect, it } from "vitest";
import { judgeStart, type SeenStart, type StartRules } from "../../../../src/build/smoke/judge-start.ts";

const CONTEXT = {
  release: "/srv/app",
  optional: [],
  current: "/tmp/empty",
  has: (path: string) => path === "dist/page.html",
};
const RULES: StartRules = { timeout: 5 };
const ENDED: SeenStart = {
  end: "itself",
  code: 0,
  signal: null,
  seconds: 0.2,
  killed: false,
  stdout: "",
  stderr: "",
};
const STOPPED: SeenStart = { ...ENDED, end: "stopped", code: null, signal: "SIGTERM", seconds: 5 };
const LISTENING = { listening: { address: "127.0.0.1:3000", seconds: 0.4 } };
const LOST = { code: 1, stderr: "error: Cannot find package 'x' from '/$bunfs/root/a'\n" };

const judge = (seen: SeenStart, rules: Partial<StartRules> = {}) =>
  judgeStart(seen, { ...RULES, ...rules }, CONTEXT);

describe("a start that is right", () => {
  it("listens", () => {
    expect(judge({ ...STOPPED, ...LISTENING })).toEqual({
      outcome: { outcome: "listening", address: "127.0.0.1:3000", seconds: 0.4 },
    });
  });
  it("ends with 0", () => {
    expect(judge(ENDED)).toEqual({ outcome: { outcome: "exited", seconds: 0.2, exit: 0 } });
  });
  it("ends because its configuration is missing", () => {
    expect(judge({ ...ENDED, code: 1, stderr: "DATABASE_URL is missing\n" })).toEqual({
      outcome: { outcome: "exited", seconds: 0.2, exit: 1, said: "DATABASE_URL is missing" },
    });
  });
  it("still runs when the time is up, and may need SIGKILL then", () => {
    expect(judge({ ...STOPPED, killed: true })).toEqual({
      outcome: { outcome: "running", seconds: 5, killed: true },
    });
  });
  it("leaves a process that listens", () => {
    expect(judge({ ...ENDED, ...LISTENING })).toMatchObject({ outcome: { outcome: "listening" } });
  });
  it("ends with a status that the settings allow, whatever it says", () => {
    expect(judge({ ...ENDED, ...LOST }, { exit: [1] })).toMatchObject({ outcome: { exit: 1 } });
    expect(judge({ ...ENDED, code: 139 }, { exit: [139] })).toMatchObject({ outcome: { exit: 139 } });
  });
});

describe("a start that fails the build", () => {
  it.each<[string, Partial<SeenStart>, Partial<StartRules>, RegExp]>([
    ["a missing module", LOST, {}, /exit status 1: the module x is not in the release/],
    ["a missing module after which it ends with 0", { ...LOST, code: 0 }, {}, /the module x/],
    ["one after it listened", { ...LOST, ...LISTENING }, {}, /the module x/],
    [
      "a file of its own that it looks for in the current directory",
      { code: 1, stderr: "Error: ENOENT: no such file or directory, open './dist/page.html'\n" },
      {},
      /exit status 1: it looks for dist\/page\.html in the current directory/,
    ],
    ["a signal", { code: null, signal: "SIGSEGV" }, {}, /was ended by SIGSEGV/],
    ["a signal that a shell reports", { code: 139 }, {}, /was ended by SIGSEGV/],
    ["a status that is not allowed", { code: 2 }, { exit: [0, 3] }, /status 2, and .* allows 0, 3/],
    ["an end where it has to listen", {}, { listens: true }, /did not listen/],
    ["no socket in time", STOPPED, { listens: true }, /does not listen within 5 s/],
    [
      "the release's own refusal",
      { code: 73, stderr: "gantry: STORE_UNSAFE: others can write\n  file  /x\n" },
      {},
      /exit status 73: STORE_UNSAFE: others can write/,
    ],
  ])("has %s", (_, seen, rules, what) => {
    const verdict = judge({ ...ENDED, ...seen }, rules);
    expect(verdict).toMatchObject({ failure: { code: "SMOKE_FAILED" } });
    expect("failure" in verdict ? verdict.failure.what : "").toMatch(what);
  });

  it("quotes the app", () => {
    expect(judge({ ...ENDED, ...LOST })).toMatchObject({ failure: { detail: [LOST.stderr.trim()] } });
    expect(judge({ ...ENDED, code: 139 })).toMatchObject({ failure: { detail: ["(it printed nothing)"] } });
  });
});
