import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readNames, readOptionalText } from "../../../src/base/files/optional.ts";

const dir = mkdtempSync(join(tmpdir(), "gantry-read-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test("what is there is read, and what is not is no error, on whatever part of the way it is missing", () => {
  const [file, full] = [join(dir, "file"), join(dir, "full")];
  writeFileSync(file, "text\n");
  mkdirSync(full);
  writeFileSync(join(full, "one"), "");

  expect(readOptionalText(file)).toBe("text\n");
  expect(readOptionalText(join(dir, "none"))).toBeUndefined();
  expect(readOptionalText(join(file, "below"))).toBeUndefined();
  expect(readNames(full)).toEqual(["one"]);
  expect(readNames(join(dir, "none"))).toEqual([]);
  expect(readNames(file)).toEqual([]);
});

test("what is there and cannot be read throws the file system's error", () => {
  expect(() => readOptionalText(dir)).toThrow("EISDIR");
});
