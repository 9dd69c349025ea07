import { expect, test } from "vitest";
import { outputLines, run, runProgram, runSync } from "../../../src/base/process/index.ts";

const OPTIONS = { cwd: "/", environment: { PATH: "/usr/bin:/bin" } };
const sh = (script: string, options = {}) => run("/bin/sh", ["-c", script], { ...OPTIONS, ...options });

test("tells each whole line of standard error as it comes", async () => {
  const lines: string[] = [];
  const result = await sh("printf 'one\\ntw' >&2; sleep 0.2; printf 'o\\nrest' >&2; exit 3", {
    heard: (line: string) => lines.push(line),
  });
  expect(lines).toEqual(["one", "two"]);
  expect(result).toMatchObject({ code: 3, signal: null, timedOut: false, stderr: "one\ntwo\nrest" });
});

test("kills what does not end when it is asked to", async () => {
  const result = await sh("trap '' TERM; echo up; while :; do sleep 0.1; done", {
    signal: AbortSignal.timeout(500),
    grace: 100,
  });
  expect(result).toMatchObject({ code: null, signal: "SIGKILL", stdout: "up\n" });
});

test("waits for a program of the host that takes its time to end", async () => {
  const script = "trap 'sleep 1; echo tidy; exit 4' TERM; while :; do sleep 0.1; done";
  const found = await runProgram("/bin/sh", ["-c", script], { signal: AbortSignal.timeout(500) });
  expect(found).toEqual({ code: 4, stdout: "tidy\n", stderr: "" });
});

test("gives a program of the host a clean environment, and counts a signal as 128", async () => {
  const { stdout } = await runProgram("/bin/sh", ["-c", "pwd; echo $LC_ALL; echo ${HOME-none}"]);
  expect(stdout).toBe("/\nC.UTF-8\nnone\n");
  expect(await runProgram("/bin/sh", ["-c", "kill -9 $$"])).toMatchObject({ code: 128 });
  await expect(runProgram("/nowhere", [])).rejects.toMatchObject({ findings: [{ code: "EXEC_FAILED" }] });
});

test("runs at once what ends at once", () => {
  const { code, stdout, stderr } = runSync("/bin/sh", ["-c", "echo out; echo err >&2; exit 2"], OPTIONS);
  expect([code, stdout, stderr]).toEqual([2, "out\n", "err\n"]);
  expect(() => runSync("/nowhere", [], OPTIONS)).toThrow("ENOENT");
});

test("a program's lines are without blank ones, line ends and logins", () => {
  const stdout = "first\r\n\n  second\n";
  expect(outputLines(stdout, "GET https://name:secret@registry.test/x: 404\n")).toEqual([
    "first",
    "  second",
    "GET https://***@registry.test/x: 404",
  ]);
});
