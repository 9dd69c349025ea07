/** Starts of real processes: what is seen of them, and that none is left. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { findIsolation, isolationOnce } from "../../../../src/build/smoke/isolation.ts";
import { watchStart, type StartOptions } from "../../../../src/build/smoke/watch-start.ts";
import { makeDirectory } from "../../../support/build/scratch.ts";

const LISTEN = 'require("node:http").createServer().listen(0, "127.0.0.1");';

/** @param script the program, for Node */
function start(script: string, options: Partial<StartOptions> = {}) {
  const cwd = makeDirectory();
  const isAlive = (name: string): boolean =>
    existsSync(`/proc/${readFileSync(join(cwd, name), "utf8")}/fd/0`);
  const seen = watchStart({
    command: [process.execPath, "-e", script],
    cwd,
    environment: { MARK: cwd },
    mark: cwd,
    timeout: 1,
    until: "it listens",
    guard: () => () => undefined,
    ...options,
  });
  return { seen, isAlive, cwd };
}

/** A script that starts this one, in a session of its own, and writes down its process id. */
const inSession = (script: string): string =>
  `const child = require("node:child_process").spawn(process.execPath, ["-e", ${JSON.stringify(script)}], { detached: true, stdio: "ignore" });
require("node:fs").writeFileSync("child", String(child.pid));`;

describe("a start", () => {
  it("is over once it listens", async () => {
    const { seen } = start(LISTEN, { timeout: 30 });
    const { end, listening, killed } = await seen;
    expect({ end, killed }).toEqual({ end: "stopped", killed: false });
    expect(listening?.address).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(listening?.seconds).toBeLessThan(20);
  });

  it("sees the socket of a child, and unix sockets", async () => {
    const child = start(`${inSession(LISTEN)} setInterval(() => {}, 1000);`, { timeout: 30 });
    expect((await child.seen).listening?.address).toMatch(/^127\.0\.0\.1:/);
    expect(child.isAlive("child")).toBe(false);
    const { seen } = start('require("node:net").createServer().listen("a.sock");', { timeout: 30 });
    expect((await seen).listening?.address).toMatch(/a\.sock$/);
  });

  it("ends by itself with its status and its words", async () => {
    const { seen } = start('console.error("PORT is missing"); process.exit(3);', { timeout: 30 });
    expect(await seen).toMatchObject({ end: "itself", code: 3, stderr: "PORT is missing\n" });
  });

  it("is told to end when the time is up, with every process that it started", async () => {
    const hang = "setInterval(() => {}, 1000);";
    const { seen, isAlive } = start(`${inSession(hang)} ${hang}`);
    const { end, listening, signal } = await seen;
    expect({ end, listening, signal }).toEqual({ end: "stopped", listening: undefined, signal: "SIGTERM" });
    expect(isAlive("child")).toBe(false);
  });

  it("gets SIGKILL when it does not end", async () => {
    const { seen } = start('process.on("SIGTERM", () => {}); setInterval(() => {}, 1000);');
    expect(await seen).toMatchObject({ end: "stopped", killed: true, signal: "SIGKILL" });
  });

  it("may leave a process that outlives it, which is ended", async () => {
    const { seen, isAlive } = start(`${inSession("setInterval(() => {}, 1000);")} child.unref();`, {
      timeout: 30,
    });
    expect(await seen).toMatchObject({ end: "itself", code: 0 });
    await vi.waitFor(() => expect(isAlive("child")).toBe(false));
  });
});

describe("a build that is interrupted", () => {
  it("ends the start and throws the reason", async () => {
    const { seen } = start("setInterval(() => {}, 1000);", { timeout: 60, signal: AbortSignal.timeout(300) });
    await expect(seen).rejects.toThrow(/timeout/i);
  });

  it("ends it at once where only the process ends", async () => {
    const given: (() => void)[] = [];
    const guard = (end: () => void) => {
      given.push(end);
      return () => undefined;
    };
    const { seen, cwd } = start(
      'require("node:fs").writeFileSync("ready", ""); setInterval(() => {}, 1000);',
      { timeout: 60, guard },
    );
    await vi.waitFor(() => expect(existsSync(join(cwd, "ready"))).toBe(true), 20_000);
    for (const end of given) end();
    expect(await seen).toMatchObject({ signal: "SIGKILL" });
  });
});

it("isolation leaves the loopback alone, and its sockets are seen", async () => {
  const { network, wrap } = await findIsolation();
  // 192.0.2.1 is an address for documentation (RFC 5737). Where no namespace is allowed, nothing is asked.
  const ask =
    network === "loopback"
      ? 'fetch("http://192.0.2.1").catch(({ cause }) => console.log(cause.code));'
      : "console.log()";
  const { seen } = start("", {
    timeout: 30,
    until: "the time is up",
    command: wrap([process.execPath, "-e", ask]),
  });
  expect((await seen).stdout).toBe(network === "loopback" ? "ENETUNREACH\n" : "\n");
  const local = start("", { timeout: 30, command: wrap([process.execPath, "-e", LISTEN]) });
  expect((await local.seen).listening?.address).toMatch(/^127\.0\.0\.1:/);
});

it("isolation is found once for all releases of a build", async () => {
  const isolation = isolationOnce();
  expect(await isolation()).toBe(await isolation());
});
