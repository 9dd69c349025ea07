/** What the command line of the build side loads before a command runs: little, because every command waits for it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const DIST = join(import.meta.dirname, "../../dist");

/** The files of dist/ that a file imports statically, itself included. */
function loadedBy(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  const text = readFileSync(join(DIST, file), "utf8");
  for (const [, path = ""] of text.matchAll(/^(?:import|export) .*?from "(\.[^"]*)";/gm))
    loadedBy(join(file, "..", path), seen);
  return seen;
}

describe("the command line", () => {
  it("loads no file of a build before a build runs", () => {
    const loaded = [...loadedBy("cli.js")];
    expect(loaded).toContain("commands/build.js");
    expect(loaded).not.toContain("build/index.js");
    expect(loaded).not.toContain("build/build.js");
    expect(loaded.length).toBeLessThan(40);
  });
});
