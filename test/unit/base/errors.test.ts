import { describe, expect, it } from "vitest";
import { ERRORS, formatFinding, GantryError, toGantryError } from "../../../src/base/errors.ts";

describe("the error table", () => {
  it("uses only exit statuses of sysexits.h", () => {
    for (const row of Object.values(ERRORS)) expect(row.exit >= 64 && row.exit <= 78).toBe(true);
  });
});

describe("a finding", () => {
  it("is laid out for the person who reads it", () => {
    const lines = formatFinding({
      code: "LIBC_TOO_OLD",
      what: "x needs GLIBC_2.28",
      where: "a.node",
      fix: "use musl",
    });
    expect(lines).toEqual(["LIBC_TOO_OLD: x needs GLIBC_2.28", "  file  a.node", "  fix   use musl"]);
  });

  it("cannot steer a terminal", () => {
    const lines = formatFinding({
      code: "NETWORK_FAILED",
      what: "a\u001b[2Jb",
      detail: ["c\u0007d\ne"],
      fix: "f",
    });
    expect(lines.join("")).not.toMatch(/\p{Cc}/u);
  });

  it("falls back on the table's fix", () => {
    expect(formatFinding({ code: "DISK_FULL", what: "full" }).at(-1)).toBe(`  fix   ${ERRORS.DISK_FULL.fix}`);
  });
});

describe("toGantryError", () => {
  it.each([
    ["ENOSPC", "DISK_FULL"],
    ["EROFS", "STORE_UNWRITABLE"],
    ["EACCES", "PERMISSION_DENIED"],
    ["EIO", "IO_FAILED"],
  ])("%s is %s", (code, expected) => {
    const error = toGantryError(Object.assign(new Error("x"), { code, path: "/p" }));
    expect(error.findings[0]).toMatchObject({ code: expected, where: "/p" });
  });

  it("does not blame the disk where a file has the name of a directory", () => {
    const error = toGantryError(Object.assign(new Error("x"), { code: "EEXIST", path: "/p" }));
    expect(error.findings[0].fix).toMatch(/move it away, or name another place/);
  });

  it("keeps an expected failure and owns up to an unexpected one", () => {
    const known = new GantryError({ code: "USAGE", what: "x" });
    expect(toGantryError(known)).toBe(known);
    expect(toGantryError(new TypeError("boom")).findings[0]).toMatchObject({
      code: "INTERNAL",
      what: "boom",
    });
    expect(known.exit).toBe(64);
  });
});
