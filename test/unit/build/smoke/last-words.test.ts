/** Why an app ended, from what Node and Bun print. The texts were printed by Node 20.20 and Bun 1.4.5. */
import { describe, expect, it } from "vitest";
import { findUnresolved, lastLine, lastWords } from "../../../../src/build/smoke/last-words.ts";

const RELEASE = "/srv/app-v1.0.0-linux-x64";
const read = (stderr: string, optional: string[] = [], stdout = "") =>
  findUnresolved(
    { stdout, stderr },
    { release: RELEASE, optional, current: "/tmp/empty", has: (path) => path === "views/a.pug" },
  );

const NODE_IMPORT = `node:internal/modules/esm/resolve:873
  throw new ERR_MODULE_NOT_FOUND(packageName, fileURLToPath(base), null);
        ^

Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'not-there' imported from ${RELEASE}/lib/app/index.js
    at packageResolve (node:internal/modules/esm/resolve:873:9)
    at ModuleLoader.import (node:internal/modules/esm/loader:605:34) {
  code: 'ERR_MODULE_NOT_FOUND'
}

Node.js v20.20.2
`;
const NODE_REQUIRE = `Error: Cannot find module 'not-there'
Require stack:
- ${RELEASE}/lib/app/index.js
    at Module._resolveFilename (node:internal/modules/cjs/loader:1207:15) {
  code: 'MODULE_NOT_FOUND',
  requireStack: [ '${RELEASE}/lib/app/index.js' ]
}
`;
const NODE_FILE = (path: string) => `Error: ENOENT: no such file or directory, open '${path}'
    at Object.openSync (node:fs:573:18) {
  errno: -2,
  code: 'ENOENT',
  path: '${path}'
}

Node.js v20.20.2
`;
const BUN_FILE = `12 |   (await import("fs")).readFileSync(import.meta.dir + "/drizzle/x.sql");
                                        ^
ENOENT: no such file or directory, open '/$bunfs/root/drizzle/x.sql'
    path: "/$bunfs/root/drizzle/x.sql",
 syscall: "open",
    code: "ENOENT"

      at /$bunfs/root/aa:12:36

Bun v1.4.5 (Linux x64)
`;
const BUN_NATIVE = `error: /tmp/none.node: cannot open shared object file: No such file or directory
 code: "ERR_DLOPEN_FAILED"

Bun v1.4.5 (Linux x64)
`;

describe("a missing part of the release", () => {
  it.each([
    ["a package in Node", NODE_IMPORT, "module", "not-there"],
    ["a required one in Node", NODE_REQUIRE, "module", "not-there"],
    ["a package in Bun", "error: Cannot find package 'x' from '/$bunfs/root/a'\n", "module", "x"],
    ["a file in Bun", "error: Cannot find module './x.js' from '/$bunfs/root/a'\n", "module", "./x.js"],
    ["a file that was not compiled in", BUN_FILE, "file", "/$bunfs/root/drizzle/x.sql"],
    ["a directory above it", "ENOENT: no such file or directory, scandir '/$bunfs/public'\n", "file", ""],
    ["a file of the release", NODE_FILE(`${RELEASE}/lib/app/x.sql`), "file", "lib/app/x.sql"],
    ["its own file, in the current directory", NODE_FILE("./views/a.pug"), "current", "views/a.pug"],
    ["its own file, by an absolute path", NODE_FILE("/tmp/empty/views/a.pug"), "current", "views/a.pug"],
    ["a native file", BUN_NATIVE, "native", "/tmp/none.node"],
    [
      "an export",
      "SyntaxError: The requested module 'a' does not provide an export named 'b'",
      "module",
      "a",
    ],
  ])("is found: %s", (_, text, kind, name) => {
    expect(read(text)).toMatchObject({ kind, name: name === "" ? "/$bunfs/public" : name });
  });

  it("is found on standard output too, and in what was caught", () => {
    expect(read("", [], "starting\nerror: Cannot find package 'x' from '/$bunfs/root/a'\n")?.name).toBe("x");
  });
});

describe("what is no missing part", () => {
  it.each([
    ["missing configuration", "DATABASE_URL is missing\n"],
    ["a file of the current directory", NODE_FILE("config.json")],
    ["a file above the current directory", NODE_FILE("../views/a.pug")],
    ["a file elsewhere of such a path", NODE_FILE("/etc/views/a.pug")],
    ["a file elsewhere", NODE_FILE("/etc/app/config.json")],
    ["a warning", "WARN: Cannot find module 'bufferutil', going on without it\nPORT is missing\n"],
    ["the source around another error", `5 | throw Error("Cannot find module 'x'")\n    ^\nerror: no\n`],
    ["a stack in the compiled file", "TypeError: x is undefined\n      at /$bunfs/root/aa:12:36\n"],
    ["something long ago", `Cannot find module 'x'\n${"working\n".repeat(60)}`],
  ])("is passed over: %s", (_, text) => {
    expect(read(text)).toBeUndefined();
  });

  it("is a module that the app can start without", () => {
    const text = "error: Cannot find package 'sharp' from '/$bunfs/root/a'\n";
    expect(read(text, ["sharp"])).toBeUndefined();
    expect(read(text, ["shar"])?.name).toBe("sharp");
  });
});

describe("what is quoted", () => {
  it("is the error's own line, not the version below it", () => {
    expect(lastLine({ stdout: "", stderr: NODE_REQUIRE.replace("Cannot find module", "no") })).toBe(
      "Error: no 'not-there'",
    );
    expect(lastLine({ stdout: "hello\n", stderr: "" })).toBe("hello");
    expect(lastLine({ stdout: "", stderr: "" })).toBeUndefined();
  });

  it("has no excerpts of sources, and no endless lines", () => {
    expect(lastWords({ stdout: "", stderr: BUN_FILE })[0]).toMatch(/^ENOENT: no such file/);
    expect(lastWords({ stdout: "", stderr: "x".repeat(5000) })[0]?.length).toBeLessThan(400);
  });

  it("ends with standard error, and is short", () => {
    const stdout = "out\n".repeat(50);
    const stderr = Array.from({ length: 50 }, (_, index) => `err ${index}\n`).join("");
    const words = lastWords({ stdout, stderr });
    expect(words.at(-1)).toBe("err 49");
    expect(words.length).toBeLessThan(20);
  });
});
