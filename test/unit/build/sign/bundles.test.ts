/** Signatures of bundles, the key that a release pins, and the archive that is packed again around them. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { writeArchive } from "../../../../src/build/pack/release-archive.ts";
import { makeSums } from "../../../../src/build/pack/make-sums.ts";
import { signFile, signRelease } from "../../../../src/build/sign/sign.ts";
import { verifyFile, verifyRelease } from "../../../../src/build/sign/verify-signature.ts";
import { findingsOf, writeFiles } from "../../../support/build/scratch.ts";
import { makeRelease } from "../../../support/build/signed-release.ts";

const BUNDLE = "vendor/linux-x64-gnu.tar.zst";

describe("the bundles of a signed release", () => {
  it("have signatures of their own, which SHA256SUMS does not list", async () => {
    const { release, keys } = await makeRelease();
    const sums = readFileSync(join(release, "SHA256SUMS"), "utf8");
    await signRelease({ release, secretKeyFile: keys.secretKeyFile });
    const verified = verifyFile({ file: join(release, BUNDLE), publicKey: keys.publicKey });
    expect(verified.trustedComment).toMatch(
      /^timestamp:\d+\tbundle:test-brain-v0\.1\.0 linux-x64-gnu\.tar\.zst\t/,
    );
    expect(makeSums(release)).toBe(sums);
    expect(verifyRelease({ release, publicKey: keys.publicKey })).toMatchObject({ keyId: keys.keyId });
    await signRelease({ release, secretKeyFile: keys.secretKeyFile });
  });

  it("are checked with the release: none missing, none of another key or file", async () => {
    const { release, keys } = await makeRelease();
    const other = await makeRelease();
    const where = join(release, `${BUNDLE}.minisig`);
    const refused = async (): Promise<void> => {
      const findings = await findingsOf(() => verifyRelease({ release, publicKey: keys.publicKey }));
      expect(findings).toMatchObject([{ code: "SIGNATURE_INVALID", where }]);
    };
    await signRelease({ release, secretKeyFile: keys.secretKeyFile });
    await signRelease({ release: other.release, secretKeyFile: other.keys.secretKeyFile });
    writeFileSync(where, readFileSync(join(other.release, `${BUNDLE}.minisig`)));
    await refused();
    writeFileSync(where, readFileSync(join(release, "SHA256SUMS.minisig")));
    await refused();
    rmSync(where);
    await refused();
  });

  it("are the only files that may have one", async () => {
    const { release, keys } = await makeRelease();
    writeFiles(release, { "lib/brain.minisig": "", "vendor/other.tar.zst.minisig": "" });
    const findings = await findingsOf(() => signRelease({ release, secretKeyFile: keys.secretKeyFile }));
    expect(findings.map(({ where }) => where)).toEqual([
      join(release, "lib/brain.minisig"),
      join(release, "vendor/other.tar.zst.minisig"),
    ]);
  });
});

describe("a pinned key", () => {
  it("is the only one that signs", async () => {
    const { keys: pinned } = await makeRelease();
    const { release, keys } = await makeRelease(pinned.publicKey);
    const [finding, ...rest] = await findingsOf(() =>
      signRelease({ release, secretKeyFile: keys.secretKeyFile }),
    );
    expect(rest).toEqual([]);
    expect(finding).toMatchObject({ code: "SIGNATURE_INVALID" });
    expect(finding?.what).toContain(pinned.keyId);
    expect(finding?.what).toContain(keys.keyId);
    expect(existsSync(join(release, "SHA256SUMS.minisig"))).toBe(false);
    expect(existsSync(join(release, `${BUNDLE}.minisig`))).toBe(false);
    await signRelease({ release, secretKeyFile: pinned.secretKeyFile });
  });
});

describe("the archive beside a release that is signed", () => {
  it("is packed again with the signatures and its old time, without its old signature", async () => {
    const { directory, release, keys } = await makeRelease();
    const archive = join(directory, "release.tar.gz");
    await writeArchive({ parent: directory, name: "release", file: archive, epoch: 1_600_000_000 });
    const before = execFileSync("tar", ["-tzf", archive], { encoding: "utf8" }).trim().split("\n");
    await signFile({ file: archive, secretKeyFile: keys.secretKeyFile });
    const { repacked } = await signRelease({ release, secretKeyFile: keys.secretKeyFile });
    expect(repacked).toEqual({ archive, removedSignature: `${archive}.minisig` });
    expect(existsSync(`${archive}.minisig`)).toBe(false);
    const after = execFileSync("tar", ["-tzf", archive], { encoding: "utf8" }).trim().split("\n");
    const signatures = ["release/SHA256SUMS.minisig", `release/${BUNDLE}.minisig`];
    expect(after.toSorted()).toEqual([...before, ...signatures].toSorted());
    const times = execFileSync("tar", ["-tvzf", archive, "--utc"], { encoding: "utf8" }).trim().split("\n");
    expect(times.every((line) => line.includes("2020-09-13 12:26"))).toBe(true);
    const out = join(directory, "out");
    execFileSync("mkdir", [out]);
    execFileSync("tar", ["-xzf", archive, "-C", out]);
    const copy = join(out, "release");
    expect(verifyRelease({ release: copy, publicKey: keys.publicKey })).toMatchObject({ keyId: keys.keyId });
  });
});
