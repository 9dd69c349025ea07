import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import {
  isDirectory,
  isThere,
  readNames,
  readOptionalText,
  unlessRefused,
} from "../../../src/base/files/optional.ts";

const dir = mkdtempSync(join(tmpdir(), "gantry-read-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test("existing files are read, and a missing file or directory is no error", () => {
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

test("a directory is one through a link as well; a link is there wherever it leads", () => {
  const link = join(dir, "link");
  const lost = join(dir, "lost");
  const file = join(dir, "plain");
  writeFileSync(file, "");
  symlinkSync(dir, link);
  symlinkSync("nowhere", lost);

  expect([dir, link, file, lost, join(file, "below")].map(isDirectory)).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
  expect([link, lost, join(dir, "none"), join(file, "below")].map(isThere)).toEqual([
    true,
    true,
    false,
    false,
  ]);
});

test("unlessRefused takes a refusal for absence, and no fault of gantry's own", () => {
  expect(unlessRefused(() => readNames(join(dir, "\0")))).toBeUndefined();
  expect(unlessRefused(() => readOptionalText(dir))).toBeUndefined();
  expect(() => unlessRefused(() => JSON.parse("{"))).toThrow(SyntaxError);
});
