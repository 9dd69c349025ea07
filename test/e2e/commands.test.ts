/** Every command and flag that the README names, as its own help and as people type it; the README's program too. */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseManifest } from "../../src/release/manifest.ts";
import { runBrain } from "./brain-client.ts";
import { BUN, runCli } from "./cli.ts";
import { copyRelease, makeScratch, type Scratch } from "./release.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const readme = readFileSync(join(root, "README.md"), "utf8");

let scratch: Scratch;
let release = "";
let app = "";
beforeAll(() => {
  scratch = makeScratch();
  release = copyRelease(scratch.directory);
  app = join(scratch.directory, "app");
  cpSync(join(root, "test/fixtures/apps/natives-bun"), app, { recursive: true });
});
afterAll(() => scratch.dispose());

const gantry = (...args: string[]) => runCli(scratch.directory, args);
const onHost = (...args: string[]) =>
  runBrain([join(release, "gantry"), ...args], { cwd: scratch.empty, env: scratch.env });

/** The flags of each command in the table below a heading: of ``| `build [--out DIR]` | … |`` they are `--out`. */
function documented(heading: string): [command: string, flags: string[]][] {
  const section = readme.split(heading)[1]?.split("\n#")[0] ?? "";
  const rows = section.split("\n").filter((line) => line.startsWith("| `"));
  const flags = new Map<string, string[]>();
  for (const cell of rows.map((line) => line.split(/(?<!\\)\|/)[1] ?? "")) {
    for (const [, usage = ""] of cell.matchAll(/`([^`]+)`/g)) {
      const [command = ""] = usage.split(" ");
      const named = [...usage.matchAll(/(?<![\w-])--[a-z-]+/g)].map(([flag]) => flag);
      flags.set(command, [...(flags.get(command) ?? []), ...named]);
    }
  }
  return [...flags].map(([command, names]) => [command, names.toSorted()]);
}

/** A flag that is on by itself is documented by the name that turns it off. */
function offered(help: string): string[] {
  const options = help.split("\nOPTIONS\n")[1] ?? "";
  const flags = [...options.matchAll(/^ +(--[a-z-]+)/gm)].map(([, flag = ""]) => flag);
  return flags.filter((flag) => !flags.includes(flag.replace(/^--/, "--no-"))).toSorted();
}

const commandsOf = (help: string): string[] =>
  [...(help.split("\nCOMMANDS\n")[1] ?? "").matchAll(/^ +([a-z]+) {2}/gm)].map(([, name = ""]) => name);

describe("the README's tables name", () => {
  const building = documented("### Building");
  const hosting = documented("### On the host");

  it("every command", async () => {
    const names = (table: typeof building) => table.map(([command]) => command).toSorted();
    expect(commandsOf(gantry("--help").stdout).toSorted()).toEqual(names(building));
    expect(commandsOf((await onHost("--help")).stdout).toSorted()).toEqual(names(hosting));
  });

  it.each(building)("the flags of npx gantry %s", (command, flags) => {
    const { status, stdout } = gantry(command, "--help");
    expect({ status, flags: offered(stdout) }).toEqual({ status: 0, flags });
  });

  it.each(hosting)("the flags of ./gantry %s", async (command, flags) => {
    const { code, stdout } = await onHost(command, "--help");
    expect({ code, flags: offered(stdout) }).toEqual({ code: 0, flags });
  });
});

it("help COMMAND is what COMMAND --help is, on both sides", async () => {
  expect(gantry("help", "sign").stdout).toBe(gantry("sign", "--help").stdout);
  expect(gantry("help", "sing")).toMatchObject({ status: 64, stdout: "" });
  expect((await onHost("help", "verify")).stdout).toBe((await onHost("verify", "--help")).stdout);
});

it("gantry build pins a key and leaves the modules whole", () => {
  expect(gantry("keygen", "--public", "pinned.pub", "--secret", "pinned.key")).toMatchObject({ status: 0 });
  const key = ["--public-key", join(scratch.directory, "pinned.pub")];
  const built = gantry("build", app, "--bun", BUN, "--out", "whole", "--no-prune", ...key);
  expect(built).toMatchObject({ status: 0 });
  const [made = ""] = built.stdout.split("\n");
  const file = join(made, "lib/release.json");
  const manifest = parseManifest(readFileSync(file, "utf8"), file);
  const [, line] = readFileSync(join(scratch.directory, "pinned.pub"), "utf8").split("\n");
  expect(manifest.publicKey).toBe(line);
  expect(Object.keys(manifest.modules["bcrypt"]?.files ?? {})).toContain("README.md");
  const comment = ["--comment", "the first of all releases"];
  expect(gantry("sign", made, "--secret", "pinned.key", ...comment)).toMatchObject({ status: 0 });
  expect(gantry("verify", made, "--public", "pinned.pub").stdout).toMatch(
    /^good signature of key [0-9A-F]{16}: the first of all releases$/m,
  );
});

it("gantry analyze answers for another platform", () => {
  const said = gantry("analyze", app, "--bun", BUN, "--target", "linux-arm64-musl", "--json");
  const { target, packages } = JSON.parse(said.stdout) as {
    target: string;
    packages: { name: string; role: string }[];
  };
  const roles = Object.fromEntries(packages.map(({ name, role }) => [name, role]));
  expect(target).toBe("linux-arm64-musl");
  expect(roles["@node-rs/crc32-linux-x64-gnu"]).toBe("left-out");
  const two = gantry("analyze", app, "--target", "linux-x64-gnu,linux-arm64-musl");
  expect(two).toMatchObject({ status: 64, stdout: "", stderr: expect.stringContaining("one platform") });
});

it("gantry docker writes an image's files into a context of their own", () => {
  const base = "registry.example/team/debian:12";
  const args = ["--strategy", "runtime", "--base", base, "--compose", "--out", "context"];
  const said = gantry("docker", release, ...args);
  expect(said).toMatchObject({ status: 0 });
  const context = join(scratch.directory, "context");
  const names = ["Dockerfile", ".dockerignore", "compose.yaml"];
  expect(said.stdout.trim().split("\n").toSorted()).toEqual(
    names.map((name) => join(context, name)).toSorted(),
  );
  for (const name of names) expect(existsSync(join(context, name))).toBe(true);
  expect(readFileSync(join(context, "Dockerfile"), "utf8")).toContain(base);
});

it.each([["build"], ["analyze"], ["bundle"], ["docker"], ["check"], ["sign"], ["verify"]])(
  "gantry %s says which path is not there",
  (command) => {
    const said = gantry(command, "nowhere");
    expect(said.stdout).toBe("");
    expect([64, 66, 78]).toContain(said.status);
    expect(said.stderr).toMatch(/nowhere(?:.|\n)*\n {2}fix {3}\S/);
  },
);

it("the README's program builds a release", () => {
  const program = /```js\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
  // Without modules of its own it takes no time to install any.
  const plain = join(scratch.directory, "plain");
  mkdirSync(join(plain, "node_modules"), { recursive: true });
  symlinkSync(root, join(plain, "node_modules/gantry"));
  writeFileSync(
    join(plain, "package.json"),
    JSON.stringify({ name: "plain", version: "1.0.0", main: "app.js" }),
  );
  writeFileSync(join(plain, "app.js"), 'console.log("plain");\n');
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
    cwd: plain,
    encoding: "utf8",
    env: { ...process.env, PATH: `${join(root, "node_modules/.bin")}:${process.env["PATH"]}` },
  });
  expect({ status, stderr: status === 0 ? "" : stderr }).toEqual({ status: 0, stderr: "" });
  const [directory = "", archive = ""] = stdout.trim().split(" ");
  expect(existsSync(join(directory, "gantry"))).toBe(true);
  expect(archive).toBe(`${directory}.tar.gz`);
});
