/** keygen, sign and verify as people type them. Debian's minisign judges the same files in test/hosts/minisign.test.ts. */
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { runCli } from "../support/app/cli.ts";
import { copyRelease } from "../support/app/release.ts";

let work = "";
let release = "";
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), "gantry-sign-"));
  release = copyRelease(work);
});
afterAll(() => rmSync(work, { recursive: true }));

const gantry = (...args: string[]) => runCli(work, args);

it("signs a release and its archive, and finds any change", () => {
  expect(gantry("keygen")).toMatchObject({ status: 0, stderr: "" });
  expect(statSync(join(work, "gantry.key")).mode & 0o777).toBe(0o600);
  expect(gantry("sign", release)).toMatchObject({ status: 0, stderr: "" });
  expect(existsSync(join(release, "SHA256SUMS.minisig"))).toBe(true);
  const good = gantry("verify", release);
  expect(good.stdout).toMatch(
    new RegExp(
      `^good signature of key [0-9A-F]{16}: timestamp:\\d+ {2}release:${basename(release)} {2}hashed\n$`,
    ),
  );
  const [, key = ""] = readFileSync(join(work, "gantry.pub"), "utf8").trim().split("\n");
  expect(gantry("verify", release, "--public", key)).toMatchObject({ status: 0, stdout: good.stdout });

  appendFileSync(join(release, "README.md"), "changed\n");
  const changed = gantry("verify", release);
  expect(changed).toMatchObject({ status: 65, stdout: "" });
  expect(changed.stderr).toMatch(/DIGEST_MISMATCH: README\.md/);

  const archive = join(work, "release.tar.gz");
  copyFileSync(`${inject("release")}.tar.gz`, archive);
  expect(gantry("sign", archive)).toMatchObject({ status: 0 });
  expect(gantry("verify", archive)).toMatchObject({ status: 0 });
  appendFileSync(archive, "x");
  const altered = gantry("verify", archive);
  expect(altered).toMatchObject({ status: 65, stdout: "" });
  expect(altered.stderr).toContain("SIGNATURE_INVALID");
});

it.each([
  [["sign"], 64, /Missing required positional argument/],
  [["sign", "nothing"], 64, /no release and no file "nothing"/],
  [["keygen", "--public", "gantry.pub"], 78, /never overwritten/],
])("refuses %j with exit %i", (args, status, message) => {
  const said = gantry(...args);
  expect(said).toMatchObject({ status, stdout: "" });
  expect(said.stderr).toMatch(message);
});
