import { describe, expect, it } from "vitest";
import type { Allowed } from "../../../src/archive/unpack.ts";
import { runUnderBun } from "../../support/archive/under-bun.ts";
import { bundle, EXACTLY, flips, forgeries, unpackAll, type Outcomes } from "../../support/archive/fuzz.ts";

describe.concurrent("a bundle with one flipped bit, at 1,000 places", () => {
  it("is refused or comes out right: gzip", async () => {
    const { ends, failures } = await unpackAll(1000, flips(bundle("gz"), 20_261_121));
    expect(failures).toEqual([]);
    // Flips in the head and in the header's time change nothing; all others must be found.
    expect(ends["right"]).toBeGreaterThan(0);
    expect(ends["other"]).toBeUndefined();
    expect(ends["ARCHIVE_UNSAFE"]).toBeGreaterThan(500);
  });

  it("is refused or comes out right: zstd, under Bun", async () => {
    const { ends, failures } = await runUnderBun<Outcomes>(
      `import { bundle, flips, unpackAll } from "../../support/archive/fuzz.ts";
       report(await unpackAll(1000, flips(bundle("zst"), 20_261_121)));`,
    );
    expect(failures).toEqual([]);
    expect(ends["right"]).toBeGreaterThan(0);
    expect(ends["other"]).toBeUndefined();
    expect(ends["DIGEST_MISMATCH"]).toBeGreaterThan(100);
    expect(ends["ARCHIVE_UNSAFE"]).toBeGreaterThan(10);
  });
});

describe("a forged archive", () => {
  it("is refused or comes out right", async () => {
    const { ends, failures } = await unpackAll(200, forgeries(4711), EXACTLY);
    expect(failures).toEqual([]);
    expect(ends["ARCHIVE_UNSAFE"]).toBeGreaterThan(10);
    expect(ends["DIGEST_MISMATCH"]).toBeGreaterThan(10);
  });

  it("does not get out of its directory where any name may come", async () => {
    const allow: Allowed = { kind: "release", bytes: 1 << 17, entries: 40 };
    const { ends, failures } = await unpackAll(200, forgeries(815), allow);
    expect(failures).toEqual([]);
    expect(ends["ARCHIVE_UNSAFE"]).toBeGreaterThan(10);
    expect(ends["other"]).toBeGreaterThan(0);
  });
});
