import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readApp } from "../../../../../src/build/app/app.ts";
import { findingsOf, makeApp, makeDirectory, writeFiles } from "../../../../support/build/scratch.ts";

const IDENTITY = { name: "brain", version: "1.0.0" };
const MAIN = { "src/main.ts": "" };

describe("readApp refuses", () => {
  const mistakes: [string, unknown, RegExp, RegExp][] = [
    [
      "an unknown key",
      { binarry: "x" },
      /"gantry\.binarry" is no setting; did you mean "gantry\.binary"\?/,
      /rename/,
    ],
    [
      "a key like no other",
      { zzzzzzzzzzzz: 1 },
      /"gantry\.zzzzzzzzzzzz" is no setting$/,
      /may hold binary, entry/,
    ],
    [
      "an unknown inner key",
      { build: { plugin: [] } },
      /"gantry\.build\.plugin" is no setting.*"gantry\.build\.plugins"/,
      /rename/,
    ],
    [
      "an unknown service key",
      { service: { usr: "x" } },
      /"gantry\.service\.usr".*"gantry\.service\.user"/,
      /rename/,
    ],
    [
      "a wrong type",
      { externals: "libsql" },
      /"gantry\.externals" is "libsql": it must be a list/,
      /correct "gantry\.externals"/,
    ],
    ["a list as settings", [], /"gantry" is \[\]: it must be an object/, /correct "gantry"/],
    [
      "a version in a name",
      { externals: ["libsql@0.5.11"] },
      /"gantry\.externals\.0" is "libsql@0\.5\.11": is not a package name/,
      /correct/,
    ],
    [
      "a value of a closed list",
      { build: { sourcemap: "linkd" } },
      /"gantry\.build\.sourcemap" is "linkd"/,
      /set "gantry\.build\.sourcemap" to "linked"/,
    ],
    [
      "a range for Node",
      { runtime: "node", node: "^24" },
      /"gantry\.node" is "\^24"/,
      /correct "gantry\.node"/,
    ],
    [
      "a Node that cannot run the launcher",
      { runtime: "node", node: "18.20.0" },
      /"18\.20\.0": releases need Node 20\.19/,
      /newer version/,
    ],
    [
      "a host's Node that cannot",
      { runtime: "node", node: "system@18" },
      /"system@18": releases need/,
      /newer version/,
    ],
    [
      "a range for Node on musl",
      { runtime: "node", node: { default: "24.21.0", musl: "system@^24" } },
      /"gantry\.node\.musl" is "system@\^24": must be a version/,
      /correct "gantry\.node\.musl"/,
    ],
    [
      "a Node by another word than musl",
      { runtime: "node", node: { default: "24.21.0", musl: "system@24", musk: "24.1.0" } },
      /"gantry\.node\.musk" is no setting; did you mean "gantry\.node\.musl"\?/,
      /rename/,
    ],
    [
      "a Node for musl alone",
      { runtime: "node", node: { musl: "system@24" } },
      /"gantry\.node\.default"/,
      /correct "gantry\.node\.default"/,
    ],
    [
      "an old Node on musl",
      { runtime: "node", node: { default: "24.21.0", musl: "system@18" } },
      /"gantry\.node\.musl" is "system@18": releases need/,
      /set "gantry\.node\.musl" to a newer version/,
    ],
    [
      "two Nodes for an app on Bun",
      { runtime: "bun", node: { default: "24.21.0", musl: "system@24" } },
      /"gantry\.node" is \{"default":"24\.21\.0","musl":"system@24"\}: it is for Node apps/,
      /"gantry\.runtime" to "node"/,
    ],
    [
      "a Node for an app on Bun",
      { runtime: "bun", node: "24.21.0" },
      /"gantry\.node" is "24\.21\.0": it is for Node apps/,
      /"gantry\.runtime" to "node"/,
    ],
    [
      "a compiler's setting for Node",
      { runtime: "node", node: "system@24", build: { defines: { A: "1" } } },
      /"gantry\.build\.defines" is for Bun's compiler/,
      /"build" script/,
    ],
    [
      "a runtime of never",
      { runtime: "deno" },
      /"gantry\.runtime" is "deno"/,
      /to one of "bun", "node"|to "node"/,
    ],
    ["an install of never", { install: "images" }, /"gantry\.install" is "images"/, /to "image"/],
    [
      "a slash in the binary",
      { binary: "bin/brain" },
      /"gantry\.binary" is "bin\/brain": must be a plain file name/,
      /correct/,
    ],
    [
      "the name of another file",
      { binary: "gantry" },
      /"gantry\.binary" is "gantry": is the name of another file/,
      /correct/,
    ],
    [
      "a missing entry",
      { entry: "src/mian.ts" },
      /"gantry\.entry" is "src\/mian\.ts": there is no such file/,
      /file that starts the app/,
    ],
    [
      "an entry outside",
      { entry: "../other.ts" },
      /"gantry\.entry" is "\.\.\/other\.ts": must lie inside the app/,
      /correct/,
    ],
    [
      "a missing plugin",
      { build: { plugins: ["p.ts"] } },
      /"gantry\.build\.plugins\.0" is "p\.ts": there is no such file/,
      /create p\.ts/,
    ],
    [
      "a missing include",
      { include: ["assets"] },
      /"gantry\.include\.0" is "assets": there is no such file/,
      /create assets/,
    ],
    [
      "a port out of range",
      { service: { port: 70_000 } },
      /"gantry\.service\.port" is 70000: is above 65535/,
      /correct/,
    ],
    [
      "a health address",
      { service: { health: "http://x" } },
      /"gantry\.service\.health".*begins with "\/"/,
      /correct/,
    ],
    [
      "a health path without a port",
      { service: { health: "/health" } },
      /"gantry\.service\.port" does not say where/,
      /set "gantry\.service\.port"/,
    ],
    [
      "a service as root",
      { service: { user: "root" } },
      /"gantry\.service\.user" is "root": must not be root/,
      /correct/,
    ],
    [
      "a description of two lines",
      { service: { description: "Thinks\nExecStartPre=/bin/sh" } },
      /"gantry\.service\.description".*one line/,
      /correct/,
    ],
    [
      "an argument with a line feed",
      { service: { arguments: ["a\nUser=root"] } },
      /"gantry\.service\.arguments\.0".*one line/,
      /correct/,
    ],
    [
      "a directory that systemd would expand",
      { service: { directories: ["/srv/%h"] } },
      /"gantry\.service\.directories\.0" is "\/srv\/%h": must be an absolute path/,
      /correct/,
    ],
    [
      "a directory that climbs",
      { service: { directories: ["/srv/../etc"] } },
      /must be an absolute path of plain names/,
      /correct/,
    ],
    ["a type of its own", { service: { type: "notfy" } }, /"gantry\.service\.type" is "notfy"/, /"notify"/],
    ["memory that kills it", { service: { memory: "64M" } }, /is below 96M/, /correct/],
    ["tasks that kill it", { service: { tasks: 8 } }, /is below 16/, /correct/],
    [
      "a program with a path",
      { requires: ["/usr/bin/git"] },
      /"gantry\.requires\.0" is "\/usr\/bin\/git": is not the name of a program/,
      /correct/,
    ],
    ["processors by number", { service: { cpu: "2" } }, /"2": is not a share such as "50%"/, /correct/],
    ["too few files", { service: { openFiles: 10 } }, /is below 64/, /correct/],
    [
      "a variable that loads code",
      { service: { environment: { LD_PRELOAD: "/x.so" } } },
      /is a variable that a service may not set/,
      /correct/,
    ],
    ["a variable of two lines", { service: { environment: { A: "1\n2" } } }, /must be one line/, /correct/],
    [
      "a snapshot in words",
      { service: { snapshot: "yes" } },
      /"gantry\.service\.snapshot" is "yes": it must be true or false/,
      /correct/,
    ],
    [
      "an activate with quotes",
      { activate: "run 'a b'" },
      /"gantry\.activate".*list of arguments/,
      /correct/,
    ],
    ["an activate of nothing", { activate: "" }, /"gantry\.activate" is .*must not be empty/, /correct/],
    ["an activate of a wrong type", { activate: true }, /must be a string or a list of strings/, /correct/],
    ["a keep outside", { keep: ["../x"] }, /"gantry\.keep\.0" is "\.\.\/x": must be relative/, /correct/],
    ["a size in words", { service: { memory: "much" } }, /"gantry\.service\.memory" is "much"/, /correct/],
  ];
  it.each(mistakes)("%s", async (_label, gantry, what, fix) => {
    const dir = makeApp({ "package.json": { ...IDENTITY, gantry }, ...MAIN });
    const findings = await findingsOf(() => readApp(dir));
    expect(findings).toHaveLength(1);
    expect(findings[0]?.code).toBe("CONFIG_INVALID");
    expect(findings[0]?.where).toBe(join(dir, "package.json"));
    expect(findings[0]?.what).toMatch(what);
    expect(findings[0]?.fix).toMatch(fix);
  });

  const identities: [string, unknown, RegExp][] = [
    ["a missing name", { version: "1.0.0" }, /has no name/],
    ["a name with a space", { name: "my brain", version: "1.0.0" }, /"name" is "my brain"/],
    ["a version that is no text", { name: "brain", version: 1 }, /"version" is 1/],
    [
      "a Node that no release can have",
      { name: "brain", version: "1.0.0", engines: { node: "^18" }, gantry: { runtime: "node" } },
      /"engines\.node" \(\^18\) asks for a Node below 20\.19\.0/,
    ],
    ["a range as version", { name: "brain", version: "^1.0.0" }, /"version" is "\^1\.0\.0"/],
    ["no entry anywhere", { ...IDENTITY, main: "dist/x.js" }, /entry was not found/],
    [
      "no entry of a Node app",
      { ...IDENTITY, scripts: { build: "tsc" }, gantry: { runtime: "node", node: "24.21.0" } },
      /nothing says which file starts the app: no "gantry\.entry"/,
    ],
  ];
  it.each(identities)("%s", async (label, json, what) => {
    const dir = makeApp({ "package.json": json, ...(label === "no entry anywhere" ? {} : MAIN) });
    const findings = await findingsOf(() => readApp(dir));
    expect(findings.map((finding) => finding.what)).toEqual([expect.stringMatching(what)]);
  });

  const files: [string, string | undefined, RegExp][] = [
    ["a directory without package.json", undefined, /has no package\.json/],
    ["a package.json that ends early", '{"name": "brain", "version": "1.0.0"', /is not JSON: /],
    ["a package.json with comments", '{"name": "brain", // x\n"version": "1.0.0"}', /is not JSON: /],
    ["a package.json that is a list", "[]", /is not JSON: it is not an object/],
  ];
  it.each(files)("%s", async (_label, text, what) => {
    // Something readable lies above: it must not be taken for the app's.
    const above = makeApp({ "package.json": IDENTITY, ...MAIN, "app/src/main.ts": "" });
    const dir = join(above, "app");
    if (text !== undefined) writeFiles(dir, { "package.json": text });
    const findings = await findingsOf(() => readApp(dir));
    expect(findings[0]).toMatchObject({ code: "CONFIG_INVALID", what: expect.stringMatching(what) });
  });

  it("a directory that does not exist", async () => {
    const findings = await findingsOf(() => readApp(join(makeDirectory(), "nowhere")));
    expect(findings[0]?.what).toBe("there is no such directory");
  });

  it("several mistakes at once", async () => {
    const dir = makeApp({ "package.json": { version: "one", gantry: { entri: 1, binary: "a/b" } } });
    const findings = await findingsOf(() => readApp(dir));
    expect(findings.map((finding) => finding.what.split(" ")[0])).toEqual([
      "package.json",
      '"version"',
      expect.stringMatching(/^"gantry\./),
      expect.stringMatching(/^"gantry\./),
      "the",
    ]);
  });
});
