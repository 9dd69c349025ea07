/** Every command and flag that README and docs/ name, as its own help and as people type it; their program too. */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listGuides } from "../../scripts/generate/pages.ts";
import { parseManifest } from "../../src/release/manifest.ts";
import { runBrain } from "../support/app/brain-client.ts";
import { BUN, runCli } from "../support/app/cli.ts";
import { copyRelease, makeScratch, type Scratch } from "../support/app/release.ts";
import { parseJson } from "../support/json-schema.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const readPage = (name: string) => readFileSync(join(root, name), "utf8");
const PREFIXES = { building: "npx gantry", hosting: "./gantry" } as const;
type Side = keyof typeof PREFIXES;

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

interface Help {
  readonly code: number | null;
  readonly text: string;
}
const helps = new Map<string, Promise<Help>>();

/** What `COMMAND --help` prints on one side; each command is run once. */
function helpOf(side: Side, command: string): Promise<Help> {
  const key = `${side} ${command}`;
  const help = helps.get(key) ?? askHelp(side, command);
  helps.set(key, help);
  return help;
}

async function askHelp(side: Side, command: string): Promise<Help> {
  if (side === "building") {
    const { status, stdout } = gantry(command, "--help");
    return { code: status, text: stdout };
  }
  const { code, stdout } = await onHost(command, "--help");
  return { code, text: stdout };
}

/** The flags of each command that docs/commands.md has a section for: of the row ``| `--out DIR` | … |`` it is `--out`. */
function documented(side: Side): [command: string, flags: string[]][] {
  return readPage("docs/commands.md")
    .split("\n### ")
    .flatMap((section): [string, string[]][] => {
      const [, prefix, command = ""] = /^`(.*gantry) ([a-z]+)/.exec(section) ?? [];
      if (prefix !== PREFIXES[side]) return [];
      return [[command, [...section.matchAll(/^\| `(--[a-z-]+)/gm)].map(([, flag = ""]) => flag).toSorted()]];
    });
}

/** The commands of the README's table. */
const introduced = (side: Side): string[] =>
  [...readPage("README.md").matchAll(/^\| `(.*gantry) ([a-z]+)` \|/gm)].flatMap(([, prefix, command = ""]) =>
    prefix === PREFIXES[side] ? [command] : [],
  );

/** Lines of the page's shell blocks, and code within its sentences. */
function codeOf(page: string): string[] {
  return readPage(page)
    .split("```")
    .flatMap((part, index) => {
      if (index % 2 === 0) return [...part.matchAll(/`([^`\n]+)`/g)].map(([, span = ""]) => span);
      return part.startsWith("sh\n") ? part.split("\n") : [];
    });
}

/** What the guides let people type. */
function typed(side: Side): [command: string, flags: string[]][] {
  const start = side === "building" ? /^npx gantry ([a-z]+)(.*)/ : /^(?:sudo )?\S*\/gantry ([a-z]+)(.*)/;
  return [...new Set(listGuides(root).flatMap(codeOf))].flatMap((line): [string, string[]][] => {
    const [, command, rest = ""] = start.exec(line.replace(/ +#.*/, "")) ?? [];
    return command === undefined ? [] : [[command, rest.match(/(?<![\w-])--[a-z-]+/g) ?? []]];
  });
}

/** A flag that is on by itself is documented by the name that turns it off. */
function offered(help: string): string[] {
  const options = help.split("\nOPTIONS\n")[1] ?? "";
  const flags = [...options.matchAll(/^ +(--[a-z-]+)/gm)].map(([, flag = ""]) => flag);
  return flags.filter((flag) => !flags.includes(flag.replace(/^--/, "--no-"))).toSorted();
}

const commandsOf = (help: string): string[] =>
  [...(help.split("\nCOMMANDS\n")[1] ?? "").matchAll(/^ +([a-z]+) {2}/gm)].map(([, name = ""]) => name);

describe("README and docs/commands.md name", () => {
  const building = documented("building");
  const hosting = documented("hosting");

  it("every command", async () => {
    const all = { building: gantry("--help").stdout, hosting: (await onHost("--help")).stdout };
    for (const side of ["building", "hosting"] as const) {
      const offers = commandsOf(all[side]).toSorted();
      const names = documented(side).map(([command]) => command);
      expect(names.toSorted()).toEqual(offers);
      expect(introduced(side).toSorted()).toEqual(offers);
    }
  });

  it.each(building)("the flags of npx gantry %s", async (command, flags) => {
    const { code, text } = await helpOf("building", command);
    expect({ code, flags: offered(text) }).toEqual({ code: 0, flags });
  });

  it.each(hosting)("the flags of ./gantry %s", async (command, flags) => {
    const { code, text } = await helpOf("hosting", command);
    expect({ code, flags: offered(text) }).toEqual({ code: 0, flags });
  });
});

describe("the guides let nobody type what is refused", () => {
  const building = typed("building");
  const hosting = typed("hosting");

  it("has lines to look at", () => {
    expect(building.length).toBeGreaterThan(10);
    expect(hosting.length).toBeGreaterThan(10);
  });

  it.each(building)("npx gantry %s %j", async (command, flags) => {
    const { code, text } = await helpOf("building", command);
    const unknown = flags.filter((flag) => !text.includes(flag));
    expect({ code, unknown }).toEqual({ code: 0, unknown: [] });
  });

  it.each(hosting)("./gantry %s %j", async (command, flags) => {
    const { code, text } = await helpOf("hosting", command);
    const unknown = flags.filter((flag) => !text.includes(flag));
    expect({ code, unknown }).toEqual({ code: 0, unknown: [] });
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
  const built = gantry(
    "build",
    app,
    "--bun",
    BUN,
    "--out",
    "whole",
    "--no-prune",
    "--no-archive",
    "--no-smoke",
    ...key,
  );
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
  const { target, packages } = parseJson<{ target: string; packages: { name: string; role: string }[] }>(
    "analyze",
    said.stdout,
  );
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

it("the program of docs/first-release.md builds a release", () => {
  const program = /```js\n([\s\S]*?)```/.exec(readPage("docs/first-release.md"))?.[1] ?? "";
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
