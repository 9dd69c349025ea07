/** ./gantry doctor on a real release: the table, the facts that travel, the messages that it explains. */
import { cpSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runBrain } from "../support/app/brain-client.ts";
import { runCli } from "../support/app/cli.ts";
import { copyRelease, makeScratch, prepareRelease, type Scratch } from "../support/app/release.ts";
import { parseJson } from "../support/json-schema.ts";

let scratch: Scratch;
let release = "";

beforeAll(async () => {
  scratch = makeScratch();
  release = await prepareRelease(scratch);
});
afterAll(() => scratch.dispose());

const gantry = (root: string, args: readonly string[], stdin = "", env: Record<string, string> = {}) =>
  runBrain([join(root, "gantry"), ...args], { cwd: scratch.empty, env: { ...scratch.env, ...env }, stdin });

describe("./gantry doctor", () => {
  it("shows release, runtime, host, modules and verdicts in 80 plain columns", async () => {
    const { code, stdout, stderr } = await gantry(release, ["doctor"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    for (const label of [
      "release",
      "runtime",
      "host",
      "tree",
      "modules",
      "native",
      "files",
      "a start",
      "findings",
    ]) {
      expect(stdout).toMatch(new RegExp(`^${label} +\\S`, "m"));
    }
    expect(stdout).toMatch(/^native +ok +@libsql\/linux-/m);
    expect(stdout).toContain("C library");
    // A path is one word, and is never cut.
    const long = stdout.split("\n").filter((line) => line.length > 80 && line.trim().includes(" "));
    expect(long.filter((line) => !line.includes(release))).toEqual([]);
    expect(stdout).not.toContain("\u001b");
  });

  it("changes nothing", async () => {
    const fresh = copyRelease(scratch.directory, "untouched");
    const { code, stdout } = await gantry(fresh, ["doctor"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/would install \d+ modules/);
    expect(existsSync(join(fresh, "node_modules"))).toBe(false);
  });

  it("writes facts by which gantry check judges the same files elsewhere", async () => {
    const { code, stdout } = await gantry(release, ["doctor", "--json"]);
    expect(code).toBe(0);
    const facts = join(scratch.directory, "facts.json");
    expect(Object.keys(parseJson("doctor", stdout)["host"] ?? {})).toContain("libraries");
    writeFileSync(facts, stdout);
    const checked = runCli(scratch.directory, [
      "check",
      join(release, "node_modules"),
      "--host",
      facts,
      "--json",
    ]);
    expect(checked.status).toBe(0);
    const { files } = parseJson<{ files: { path: string; verdict: string }[] }>("check", checked.stdout);
    const verdicts = Object.fromEntries(files.map(({ path, verdict }) => [path.split("/").at(-1), verdict]));
    expect(verdicts["index.node"]).toBe("ok");
  });

  it.each([
    ["Cannot find module '@libsql/linux-x64-gnu'", "MODULE_UNAVAILABLE"],
    ["/lib/libc.so.6: version `GLIBC_9.99' not found (required by /x/a.node)", "LIBC_TOO_OLD"],
    ["Error: /x/a.node: invalid ELF header", ""],
    ["Error: /x/a.node: wrong ELF class: ELFCLASS32", ""],
    [
      "Error: libc.musl-x86_64.so.1: cannot open shared object file: No such file or directory",
      "LIBC_MISMATCH",
    ],
    [
      "Error loading shared library libstdc++.so.6: No such file or directory (needed by /x/a.node)",
      "LIBRARY_MISSING",
    ],
    ["Error relocating /x/a.node: some_symbol: symbol not found", "SYMBOL_MISSING"],
    [
      "was compiled against a different Node.js version using NODE_MODULE_VERSION 108. This version of Node.js requires NODE_MODULE_VERSION 127.",
      "ABI_MISMATCH",
    ],
    ["Error: Module did not self-register: '/x/a.node'.", ""],
    ["Error: /x/a.node: failed to map segment from shared object: Operation not permitted", "STORE_NOEXEC"],
    ["Error: EACCES: permission denied, mkdir '/app/node_modules/bcrypt'", "PERMISSION_DENIED"],
    ["Illegal instruction (core dumped)", "CPU_TOO_OLD"],
    ["/usr/bin/env: 'node': No such file or directory", ""],
    ["sh: 1: node: not found", ""],
  ])("explains: %s", async (message, expected) => {
    const { code, stdout } = await gantry(
      release,
      ["doctor", "--explain", "-"],
      `noise\n${message}\nnoise\n`,
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/^[A-Z_]+\n {2}text {2}\S/);
    expect(stdout).toMatch(/^ {2}cause \S/m);
    expect(stdout).toMatch(/^ {2}fix {3}\S/m);
    expect(stdout.startsWith(expected)).toBe(true);
  });

  it("says so when it knows no message in the text", async () => {
    const file = join(scratch.directory, "log.txt");
    writeFileSync(file, "all is well\n");
    expect(await gantry(release, ["doctor", "--explain", file])).toMatchObject({ code: 64, stdout: "" });
  });
});

describe("gantry check", () => {
  it("exits with 69 for a damaged module and says what is wrong", () => {
    const damaged = join(scratch.directory, "damaged.node");
    const native = JSON.parse(readFileSync(join(release, "lib/release.json"), "utf8")) as {
      native: { path: string }[];
    };
    cpSync(join(release, "node_modules", native.native[0]?.path ?? ""), damaged);
    truncateSync(damaged, 5000);
    const checked = runCli(scratch.directory, ["check", damaged]);
    expect(checked.status).toBe(69);
    expect(checked.stdout).toMatch(/^fail +\S*damaged\.node\n +[A-Z_]+: /m);
    rmSync(damaged);
  });
});
