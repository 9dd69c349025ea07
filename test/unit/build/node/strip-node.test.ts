/** A real Node, the one that runs the tests, as a release gets it. */
import { execFileSync } from "node:child_process";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { shipNode } from "../../../../src/build/node/strip-node.ts";
import { bytesSource } from "../../../../src/elf/bytes.ts";
import { planStrip } from "../../../../src/elf/strip.ts";
import { readRuntime } from "../../../../src/host/runtime/runtime.ts";
import { makeDirectory } from "../../../support/build/scratch.ts";

describe("shipNode", () => {
  it("makes a smaller program that runs, and leaves the original alone", ({ skip }) => {
    const original = statSync(process.execPath);
    const plan = planStrip(bytesSource(readFileSync(process.execPath)));
    if (plan === undefined) skip("this machine's Node is stripped already, or no ELF file");
    const shipped = join(makeDirectory(), "node");
    shipNode(process.execPath, shipped);
    const { size, mode } = statSync(shipped);
    expect(size).toBeLessThan(original.size);
    expect(mode & 0o777).toBe(0o755);
    const script = "console.log(process.version, process.versions.modules)";
    const said = execFileSync(shipped, ["-e", script], { encoding: "utf8" });
    expect(said).toBe(`${process.version} ${process.versions.modules}\n`);
    expect(statSync(process.execPath)).toMatchObject({ size: original.size, mtimeMs: original.mtimeMs });
    const { version, abi } = readRuntime(shipped).facts;
    expect(version).toMatchObject({ known: true, value: process.versions.node });
    expect(abi).toMatchObject({ known: true, value: Number(process.versions.modules) });
  });

  it("copies what it does not understand, to the byte", () => {
    const directory = makeDirectory();
    const [from, to] = [join(directory, "from"), join(directory, "to")];
    writeFileSync(from, "#!/bin/sh\nexec node\n", { mode: 0o555 });
    shipNode(from, to);
    expect(readFileSync(to, "utf8")).toBe("#!/bin/sh\nexec node\n");
    expect(statSync(to).mode & 0o777).toBe(0o755);
  });
});
