/** The README's and CONTRIBUTING's own commands, as a stranger types them in a clone. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const npm = (script: string) => {
  const { status, stdout, stderr } = spawnSync("npm", ["run", script], { cwd: root, encoding: "utf8" });
  return { status, stdout, stderr };
};

it("npm run quickstart builds a release, starts it, stores, searches, and cleans up", () => {
  const { status, stdout, stderr } = npm("quickstart");
  expect({ status, stderr: status === 0 ? "" : stderr }).toEqual({ status: 0, stderr: "" });
  const answer = /the two nearest to .*:\n(\{[\s\S]*?\n\})\n/.exec(stdout)?.[1] ?? "{}";
  const { notes } = JSON.parse(answer) as { notes: { text: string }[] };
  // The two notes about a launch tower; the third is about bread.
  expect(notes.map(({ text }) => text)).toEqual([
    "the gantry holds the rocket until it is ready",
    "a launch tower checks, fuels and lets go",
  ]);
  for (const figure of ["first start", "second start", "release", "archive"])
    expect(stdout).toContain(figure);
  const place = /(\/\S+)\/out\/test-brain-/.exec(`${stdout}${stderr}`)?.[1] ?? root;
  expect(existsSync(place)).toBe(false);
});

it("npm run bench prints its table and writes bench/results.json", { timeout: 1_800_000 }, () => {
  const { status, stdout, stderr } = npm("bench");
  expect({ status, stderr: status === 0 ? "" : stderr }).toMatchObject({ status: 0 });
  const text = readFileSync(join(root, "bench/results.json"), "utf8");
  const { results } = JSON.parse(text) as { results: { what: string; value: number | null }[] };
  expect(results.length).toBeGreaterThan(10);
  for (const { what, value } of results) {
    expect({ what, measured: typeof value === "number" && value > 0 }).toEqual({ what, measured: true });
    expect(stdout).toContain(what);
  }
});
