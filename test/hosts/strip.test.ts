/** gantry's way to leave symbols out of a program against binutils': what it leaves has to be what strip(1) leaves. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { shipNode } from "../../src/build/node/strip-node.ts";

let work = "";
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), "gantry-strip-"));
  writeFileSync(join(work, "own.c"), "int answer(void) { return 42; }\n");
  writeFileSync(
    join(work, "main.c"),
    "#include <dlfcn.h>\n#include <stdio.h>\n#include <threads.h>\n" +
      "thread_local int mine = 1;\nint zeros[100000];\n" +
      "int main(int count, char **args) {\n" +
      "  void *own = dlopen(args[1], RTLD_NOW);\n" +
      '  int (*answer)(void) = own ? (int (*)(void))dlsym(own, "answer") : 0;\n' +
      '  printf("%d\\n", answer ? answer() + zeros[count] + mine - 1 : -1);\n}\n',
  );
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

const run = (command: string, ...args: string[]): string => {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: work, encoding: "utf8" });
  expect({ command, status, stderr }).toEqual({ command, status: 0, stderr: "" });
  return stdout;
};

/** The rows of readelf's section table whose flags, behind the size of an entry, say A: mapped. */
const mapped = (file: string): string[] =>
  run("readelf", "-SW", file)
    .split("\n")
    .filter((line) => / [0-9a-f]{2} +[A-Z]*A[A-Z]* +\d+ +\d+ +\d+$/.test(line));

/** Compiles, ships, and strips a program or library. */
function make(name: string, source: string, flags: readonly string[]) {
  execFileSync("gcc", ["-g", ...flags, "-o", name, source], { cwd: work });
  shipNode(join(work, name), join(work, `${name}.shipped`));
  run("strip", "-o", `${name}.stripped`, name);
  return { original: name, shipped: `${name}.shipped`, stripped: `${name}.stripped` };
}

describe.each([
  ["a position independent program", "main.c", ["-pie", "-rdynamic"]],
  ["a program at a fixed address", "main.c", ["-no-pie"]],
  ["a library", "own.c", ["-shared", "-fPIC"]],
  ["a library with debugging data of its own form", "own.c", ["-shared", "-fPIC", "-gdwarf-4", "-g3"]],
] as const)("%s", (what, source, flags) => {
  it("is left with the same segments and mapped sections as by strip(1)", () => {
    const { original, shipped, stripped } = make(what.replaceAll(" ", "-"), source, flags);
    expect(statSync(join(work, shipped)).size).toBeLessThanOrEqual(statSync(join(work, stripped)).size);
    const sections = mapped(shipped);
    expect(sections.length).toBeGreaterThan(10);
    expect(sections).toEqual(mapped(stripped));
    const views = ["-lW", "-dW", "--dyn-syms", "-rW", "-VW", "-nW"];
    const seen = views.map((view) => run("readelf", view, shipped).replaceAll(shipped, original));
    expect(seen).toEqual(views.map((view) => run("readelf", view, original)));
    expect(run("readelf", "-sW", shipped)).not.toContain(".symtab");
  });
});

it("programs and libraries without their symbols run", () => {
  const own = make("own.so", "own.c", ["-shared", "-fPIC"]).shipped;
  for (const flag of ["-pie", "-no-pie"]) {
    const { shipped } = make(`run${flag}`, "main.c", [flag]);
    expect(run(`./${shipped}`, `./${own}`)).toBe("42\n");
  }
});
