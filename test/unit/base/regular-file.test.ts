/** A pipe, a socket or a device where a file should be is refused by name, at once, by whatever reads it. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { verifyFile } from "../../../src/build/sign/verify-signature.ts";
import { runCheck } from "../../../src/check/check.ts";
import { readNetrc } from "../../../src/mirror/http/netrc.ts";
import { readDockerLogin } from "../../../src/mirror/registry/docker-config.ts";
import { readRegularText } from "../../../src/base/files/regular-file.ts";
import { readFileEntry } from "../../../src/release/tree.ts";
import { bareEnvironment, runProgram } from "../../support/launcher/fixture.ts";
import { useFixture } from "../../support/launcher/use-fixture.ts";

let work = "";
let server: Server;
const KINDS = ["a pipe", "a socket", "a device", "a directory"] as const;
const at: Record<(typeof KINDS)[number], string> = {
  "a pipe": "",
  "a socket": "",
  "a device": "/dev/zero",
  "a directory": "",
};
beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), "gantry-kinds-"));
  at["a pipe"] = join(work, "pipe");
  at["a socket"] = join(work, "socket");
  at["a directory"] = join(work, "directory");
  execFileSync("mkfifo", ["-m", "600", at["a pipe"]]);
  mkdirSync(at["a directory"]);
  server = createServer();
  await new Promise<void>((resolve) => server.listen(at["a socket"], resolve));
});
afterAll(() => {
  server.close();
  rmSync(work, { recursive: true });
});

describe.each(KINDS)("%s", (kind) => {
  it("is refused by its kind, through a link too", () => {
    const link = join(work, `to ${kind}`);
    symlinkSync(at[kind], link);
    for (const path of [at[kind], link]) {
      expect(() => readRegularText(path)).toThrow(`this is ${kind}, and a file is needed`);
      expect(() => readFileEntry(path)).toThrow(`this is ${kind}`);
    }
  });
});

it("what the caller opened may be a pipe, and /dev/null is an empty file", () => {
  const script = `import(${JSON.stringify(join(import.meta.dirname, "../../../dist/base/files/regular-file.js"))}).then(
    ({ readRegularText }) => console.log(JSON.stringify([process.argv[1], "/dev/stdin", "/dev/null"].map(readRegularText))))`;
  const run = spawnSync(
    "bash",
    ["-c", 'echo piped | "$0" -e "$1" <(echo substituted)', process.execPath, script],
    {
      encoding: "utf8",
    },
  );
  expect(run).toMatchObject({ stdout: '["substituted\\n","piped\\n",""]\n', stderr: "" });
});

it("netrc, Docker's login, host facts and signatures do not wait for one", async () => {
  const pipe = at["a pipe"];
  expect(() => readNetrc("host", { NETRC: pipe })).toThrow("NETRC names a file that cannot be read");
  const home = join(work, "home");
  mkdirSync(join(home, ".docker"), { recursive: true });
  for (const name of [".netrc", ".docker/config.json"]) symlinkSync(pipe, join(home, name));
  expect(readNetrc("host", { HOME: home })).toBeUndefined();
  expect(readDockerLogin("host", { HOME: home })).toBeUndefined();
  const file = join(work, "x.node");
  writeFileSync(file, "");
  const self = { path: process.execPath, versions: process.versions, arch: process.arch };
  const facts = { paths: [file], environment: {}, self, json: true, hostFactsFile: pipe };
  await expect(async () => runCheck(facts)).rejects.toThrow("this is a pipe");
  symlinkSync(pipe, `${file}.minisig`);
  const key = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
  await expect(async () => verifyFile({ file, publicKey: key })).rejects.toThrow("this is a pipe");
});

function pipeInPlaceOf(path: string): void {
  rmSync(path, { force: true });
  execFileSync("mkfifo", [path]);
}

describe("the launcher", () => {
  const fixture = useFixture();
  const launch = (
    root: string,
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ) =>
    runProgram(join(root, "lib/tiny"), ["--no-install", join(root, "lib/launcher.mjs"), ...args], {
      cwd: fixture.directory,
      environment: { ...bareEnvironment(), BUN_BE_BUN: "1", GANTRY_OFFLINE: "1", ...environment },
    });

  it.each(["lib/release.json", "SHA256SUMS", "bun.lock", "package.json"])(
    "ends when %s is a pipe",
    async (name) => {
      const root = fixture.make({ bundle: "vendored" });
      pipeInPlaceOf(join(root, name));
      for (const command of ["start", "verify", "doctor"]) {
        const run = await launch(root, [command]);
        expect({ signal: run.signal, ended: typeof run.code }).toEqual({ signal: null, ended: "number" });
      }
    },
  );

  it.each(["lib/release.json", "SHA256SUMS"])("says so of %s", async (name) => {
    const root = fixture.make({ bundle: "vendored" });
    pipeInPlaceOf(join(root, name));
    expect((await launch(root, ["start"])).stderr).toContain("this is a pipe");
  });

  it("names a bundle that is a pipe, and a log that is one", async () => {
    const root = fixture.make();
    for (const args of [
      ["prepare", "--from", at["a pipe"]],
      ["doctor", "--explain", at["a pipe"]],
    ]) {
      const run = await launch(root, args);
      expect(run.code).toBe(74);
      expect(run.stderr).toMatch(/this is a pipe, and a file is needed(?:.|\n)*fix /);
    }
  });
});
