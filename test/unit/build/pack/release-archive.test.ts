import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { writeArchive } from "../../../../src/build/pack/release-archive.ts";
import { makeSums } from "../../../../src/build/pack/make-sums.ts";

let work = "";
const make = async (place: string, order: readonly string[], epoch?: number): Promise<Buffer> => {
  const parent = join(work, place);
  for (const path of order) {
    mkdirSync(join(parent, "app", path, ".."), { recursive: true });
    writeFileSync(join(parent, "app", path), path, { mode: path === "run" ? 0o755 : 0o644 });
    utimesSync(join(parent, "app", path), order.length, order.length);
  }
  const file = join(parent, "app.tar.gz");
  await writeArchive({ parent, name: "app", file, epoch });
  return readFileSync(file);
};
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), "gantry-archive-"));
});
afterAll(() => rmSync(work, { recursive: true }));

it("does not depend on the place, the order of making or the times of the files", async () => {
  const one = await make("one", ["run", "b/c", "a"]);
  const two = await make("deeper/two", ["a", "b/c", "run"]);
  expect(two.equals(one)).toBe(true);
  const later = await make("three", ["a", "b/c", "run"], 1_000_000_000);
  expect(later.equals(one)).toBe(false);
});

it("is read by the system's tar, with owner, time and modes fixed", async () => {
  await make("four", ["run", "a"], 1_000_000_000);
  const listing = execFileSync("tar", ["--utc", "--full-time", "-tvzf", join(work, "four/app.tar.gz")], {
    encoding: "utf8",
  });
  const lines = listing
    .trim()
    .split("\n")
    .map((line) => line.split(/\s+/));
  expect(lines.map((fields) => [fields[0], fields[3], fields[5]])).toEqual([
    ["-rw-r--r--", "2001-09-09", "app/a"],
    ["-rwxr-xr-x", "2001-09-09", "app/run"],
  ]);
});

it("lists sums as sha256sum does", async () => {
  await make("five", ["run", "b/c", "a"]);
  const root = join(work, "five/app");
  const own = execFileSync("sha256sum", ["a", "b/c", "run"], { cwd: root, encoding: "utf8" });
  expect(makeSums(root)).toBe(own);
});
