/** gantry's keys and signatures against Debian's minisign, in both directions. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { keygen, needsPassword, readPublicKey, readSecretKey } from "../../src/build/sign/keys.ts";
import { signFile, signRelease } from "../../src/build/sign/sign.ts";
import { verifyFile, verifyRelease } from "../../src/build/sign/verify-signature.ts";
import { createSecretKey, formatSecretKey } from "../../src/release/signing/minisign-secret.ts";
import { encodePublicKey, verifyMinisign } from "../../src/release/signing/minisign.ts";
import { copyRelease } from "../support/app/release.ts";

let directory = "";
let file = "";
let publicKeyFile = "";
let secretKeyFile = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "gantry-minisign-"));
  [file, publicKeyFile, secretKeyFile] = ["message", "a.pub", "a.key"].map((name) =>
    join(directory, name),
  ) as [string, string, string];
  writeFileSync(file, "what is signed\n");
});
afterEach(() => rmSync(directory, { recursive: true }));

interface Ran {
  readonly code: number | null;
  readonly output: string;
}

/** Runs minisign in the test's directory; `lines` is what a person would type, one password a line. */
function minisign(options: readonly string[], lines = ""): Ran {
  const ran = spawnSync("minisign", options, { cwd: directory, input: lines, encoding: "utf8" });
  if (ran.error !== undefined) throw ran.error;
  return { code: ran.status, output: ran.stdout + ran.stderr };
}

function mustRun(options: readonly string[], lines = ""): string {
  const { code, output } = minisign(options, lines);
  if (code !== 0) throw new Error(`minisign ${options.join(" ")}: exit ${code}: ${output}`);
  return output;
}

describe("what minisign makes", () => {
  it.each([
    ["as it signs now", []],
    ["in the older form", ["-l"]],
  ])("is verified: a signature %s", (_, form) => {
    mustRun(["-G", "-W", "-p", "a.pub", "-s", "a.key"]);
    mustRun(["-S", ...form, "-s", "a.key", "-m", "message", "-t", "für alle\t日本"]);
    const verified = verifyFile({ file, publicKey: publicKeyFile });
    expect(verified.trustedComment).toBe("für alle\t日本");
    expect(readFileSync(publicKeyFile, "utf8")).toContain(verified.keyId.replace(/^0+/, ""));
    writeFileSync(file, "what is signed\r\n");
    expect(() => verifyFile({ file, publicKey: publicKeyFile })).toThrow("SIGNATURE_INVALID");
  });

  it("signs here: a secret key with a password, which must be right", async () => {
    mustRun(["-G", "-p", "a.pub", "-s", "a.key"], "grüße 🔑\ngrüße 🔑\n");
    expect(needsPassword(secretKeyFile)).toBe(true);
    await expect(signFile({ file, secretKeyFile, password: "grüße" })).rejects.toThrow("wrong password");
    await signFile({ file, secretKeyFile, password: "grüße 🔑", trustedComment: "signed here" });
    expect(mustRun(["-V", "-Q", "-p", "a.pub", "-m", "message"])).toBe("signed here\n");
  });

  it("signs here: a secret key without one, to the same signature as there", async () => {
    mustRun(["-G", "-W", "-p", "a.pub", "-s", "a.key"]);
    mustRun(["-S", "-s", "a.key", "-m", "message", "-x", "theirs", "-t", "comment"]);
    const ours = await signFile({ file, secretKeyFile, trustedComment: "comment" });
    const [mine, theirs] = [ours.file, join(directory, "theirs")].map((path) => readFileSync(path, "utf8"));
    expect(mine?.split("\n").slice(1)).toEqual(theirs?.split("\n").slice(1));
  });

  it("signs here: a secret key whose password was taken away", async () => {
    await keygen({ publicKeyFile, secretKeyFile, password: "one" });
    mustRun(["-C", "-W", "-s", "a.key"], "one\n");
    expect(needsPassword(secretKeyFile)).toBe(false);
    await signFile({ file, secretKeyFile });
    mustRun(["-V", "-p", "a.pub", "-m", "message"]);
  });
});

describe("what gantry makes", () => {
  it("is a key pair that minisign signs and verifies with", async () => {
    const { publicKey } = await keygen({ publicKeyFile, secretKeyFile });
    mustRun(["-S", "-s", "a.key", "-m", "message"]);
    mustRun(["-V", "-p", "a.pub", "-m", "message"]);
    mustRun(["-V", "-P", publicKey, "-m", "message"]);
    mustRun(["-R", "-s", "a.key", "-p", "again.pub"]);
    expect(encodePublicKey(readPublicKey(join(directory, "again.pub")))).toBe(publicKey);
    expect(verifyFile({ file, publicKey }).trustedComment).toContain("file:message");
  });

  it("is a key pair with a password that minisign asks for", async () => {
    await keygen({ publicKeyFile, secretKeyFile, password: "pass word" });
    expect(minisign(["-S", "-s", "a.key", "-m", "message"], "password\n").output).toContain("Wrong password");
    mustRun(["-S", "-s", "a.key", "-m", "message"], "pass word\n");
    mustRun(["-V", "-H", "-p", "a.pub", "-m", "message"]);
  });

  // libsodium turns its two limits into scrypt's parameters; each row takes another way through that.
  it.each([
    ["the least of both", { operations: 32_768, memory: 2 ** 24 }],
    ["operations decide", { operations: 100_000, memory: 2 ** 26 }],
    ["memory decides, several lanes", { operations: 2 ** 21, memory: 2 ** 24 }],
    ["memory decides, no power of two", { operations: 3_000_000, memory: 17_000_001 }],
    ["less than scrypt's least", { operations: 1, memory: 2 ** 24 }],
  ])("is a secret key of another cost: %s", async (_, cost) => {
    const key = createSecretKey();
    writeFileSync(secretKeyFile, await formatSecretKey(key, "pw", cost));
    mustRun(["-R", "-s", "a.key", "-p", "a.pub"], "pw\n");
    expect(encodePublicKey(readPublicKey(publicKeyFile))).toBe(encodePublicKey(key));
    expect((await readSecretKey(secretKeyFile, "pw")).seed).toEqual(key.seed);
  });

  it("is a signature with a comment as long as minisign can read, and not longer", async () => {
    await keygen({ publicKeyFile, secretKeyFile });
    await signFile({ file, secretKeyFile, trustedComment: "x".repeat(8173) });
    mustRun(["-V", "-p", "a.pub", "-m", "message"]);
    await expect(signFile({ file, secretKeyFile, trustedComment: "x".repeat(8174) })).rejects.toThrow(
      "too long",
    );
  });

  it("is a signed release: minisign and sha256sum check it without gantry", async () => {
    const { publicKey } = await keygen({ publicKeyFile, secretKeyFile });
    const release = copyRelease(directory, "release");
    const { file: written } = await signRelease({ release, secretKeyFile });
    const said = execFileSync("minisign", ["-V", "-Q", "-P", publicKey, "-m", "SHA256SUMS"], {
      cwd: release,
    });
    expect(said.toString()).toMatch(/^timestamp:\d+\trelease:test-brain-v0\.1\.0-linux-x64\thashed\n$/);
    const checked = execFileSync("sha256sum", ["--strict", "-c", "SHA256SUMS"], { cwd: release }).toString();
    const { files } = verifyRelease({ release, publicKey });
    expect(checked.match(/: OK$/gm)).toHaveLength(files);
    rmSync(written);
    execFileSync("minisign", ["-S", "-s", secretKeyFile, "-m", "SHA256SUMS"], { cwd: release });
    expect(verifyRelease({ release, publicKey }).files).toBe(files);
  });
});

describe("damaged signatures", () => {
  it("that gantry accepts, minisign accepts: each character changed, removed, doubled", async () => {
    const { publicKey } = await keygen({ publicKeyFile, secretKeyFile });
    const { file: signature } = await signFile({ file, secretKeyFile, trustedComment: "a\tb" });
    const text = readFileSync(signature, "utf8");
    const message = readFileSync(file);
    const variants = Array.from(text, (character, index) => {
      const [before, after] = [text.slice(0, index), text.slice(index + 1)];
      return ["A", "=", "\r", "\n", "", character.repeat(2)].map((other) => before + other + after);
    }).flat();
    const accepted = [...new Set(variants)].filter((variant) => {
      try {
        return verifyMinisign(message, variant, publicKey) !== undefined;
      } catch {
        return false;
      }
    });
    // At least the untrusted comment is free to change.
    expect(accepted.length).toBeGreaterThan("signature from gantry".length);
    for (const variant of accepted) {
      writeFileSync(signature, variant);
      expect({ variant, ...minisign(["-V", "-q", "-p", "a.pub", "-m", "message"]) }).toMatchObject({
        code: 0,
      });
    }
  });
});
