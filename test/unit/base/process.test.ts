import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { abortable, outputLines, run, runProgram, runSync } from "../../../src/base/process/index.ts";
import { unlessRefused } from "../../../src/base/files/index.ts";
import { makeDirectory } from "../../support/build/scratch.ts";

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

test("ends the whole group of an aborted piece of work, also what does not listen", async () => {
  const directory = makeDirectory();
  const file = join(directory, "child");
  const stubborn = `trap '' TERM; sh -c 'trap "" TERM; echo $$ >${file}.new; mv ${file}.new ${file}; sleep 600' & wait`;
  const controller = new AbortController();
  const seen: string[] = [];
  const work = abortable(controller.signal, async () => {
    const running = sh(stubborn).catch((error: unknown) => seen.push(String(error)));
    while (!existsSync(file)) await sleep(20);
    controller.abort(new Error("enough"));
    await running;
    await sh("echo later").catch((error: unknown) => seen.push(String(error)));
    throw new Error("what the work says of it");
  });
  await expect(work).rejects.toThrow("enough");
  expect(seen).toEqual(["Error: enough", "Error: enough"]);
  // A process that has ended and that nobody asked for its status has no command line (proc(5)).
  const command = (): string => readFileSync(`/proc/${readFileSync(file, "utf8").trim()}/cmdline`, "utf8");
  while (unlessRefused(command)) await sleep(20);
});

test("leaves a program alone whose work ended before the abort", async () => {
  const controller = new AbortController();
  expect(await abortable(controller.signal, () => sh("exit 3"))).toMatchObject({ code: 3 });
  controller.abort(new Error("enough"));
  expect(await sh("exit 4")).toMatchObject({ code: 4 });
});
