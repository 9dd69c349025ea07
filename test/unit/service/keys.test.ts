/** Whom a service takes its next release from: older ones, dropped keys, new keys and revoked ones. */
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { GantryError } from "../../../src/base/errors.ts";
import { revokeKey, succeedKey } from "../../../src/index.ts";
import type { Source } from "../../../src/service/releases/import/release-source.ts";
import { learnStatement, planStatement } from "../../../src/service/keys/learn.ts";
import type { Allowance } from "../../../src/service/releases/downgrade-check.ts";
import type { TrustOptions } from "../../../src/service/keys/trust.ts";
import { makePublisher, type Publisher, type TestKey } from "../../support/service/signed.ts";

let publisher: Publisher;
let first: TestKey;
let directory = "";

beforeEach(async () => {
  publisher = makePublisher();
  directory = join(publisher.root, "keys");
  first = await publisher.makeKey("first");
});
afterEach(() => publisher.dispose());

const allow = (...allowed: Allowance[]): TrustOptions => ({ allowed: new Set(allowed) });
const { make, pack, place } = {
  make: (release: Parameters<Publisher["make"]>[0]) => publisher.make(release),
  pack: (release: Parameters<Publisher["pack"]>[0]) => publisher.pack(release),
  place: (source: Source, options?: TrustOptions) => publisher.place(source, options),
};

/** Installs a release that pins keys, as if it had become healthy. */
async function install(version: string, pins?: string | readonly string[], signer?: TestKey): Promise<void> {
  const release = {
    version,
    ...(pins === undefined ? {} : { pins }),
    ...(signer === undefined ? {} : { signer }),
  };
  await publisher.charge(await place(await make(release)));
}

async function expectRefused(
  source: Source,
  code: string,
  what: RegExp,
  options?: TrustOptions,
): Promise<void> {
  const before = readdirSync(publisher.context.layout.releases);
  const error: unknown = await place(source, options).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(GantryError);
  expect((error as GantryError).findings[0]).toMatchObject({ code, what: expect.stringMatching(what) });
  expect(readdirSync(publisher.context.layout.releases)).toEqual(before);
}

/** A key that follows another, and the statement about it. */
async function succeed(old: TestKey, name: string): Promise<TestKey & { readonly statement: string }> {
  const secret = join(publisher.root, `${name}.key`);
  const made = await succeedKey({
    secretKeyFile: secret,
    publicKeyFile: join(publisher.root, `${name}.pub`),
    predecessor: old.secret,
    directory,
  });
  return { secret, line: made.publicKey, statement: made.statement };
}
const revoke = (key: TestKey, by = key) =>
  revokeKey({ revoked: key.line, secretKeyFile: by.secret, directory });

describe("an older release", () => {
  it.each(["pinned", "free"])("is refused (%s), from a directory and from an archive", async (kind) => {
    const pins = kind === "pinned" ? { pins: first.line, signer: first } : {};
    await install("1.10.0", pins.pins, pins.signer);
    for (const version of ["1.9.0", "1.10.0-rc.1", "0.99.99"]) {
      await expectRefused(await make({ version, ...pins }), "USAGE", /1\.10\.0 ran here before/);
      await expectRefused(await pack({ version, ...pins }), "USAGE", /--allow-downgrade|ran here before/);
    }
    for (const version of ["1.10.0", "1.10.1", "2.0.0-beta"])
      expect((await place(await make({ version, ...pins }))).version).toBe(version);
    const allowed = await place(await make({ version: "1.9.0", ...pins }), allow("downgrade"));
    expect(allowed.version).toBe("1.9.0");
  });

  it("is measured by the highest that was healthy, after a rollback too", async () => {
    const old = await place(await make({ version: "1.0.0", pins: first.line, signer: first }));
    await publisher.charge(old);
    await install("2.0.0", first.line, first);
    publisher.rollBack(old);
    await expectRefused(
      await make({ version: "1.5.0", pins: first.line, signer: first }),
      "USAGE",
      /2\.0\.0 ran here/,
    );
  });

  it("that has no version which can be compared is one to ask about", async () => {
    await install("1.0.0");
    await expectRefused(await make({ version: "today" }), "USAGE", /cannot be compared/);
    expect((await place(await make({ version: "today" }), allow("downgrade"))).version).toBe("today");
  });
});

describe("a pinned key", () => {
  it("is not dropped without a word, and is dropped with one", async () => {
    await install("1.0.0", first.line, first);
    await expectRefused(await make({ version: "1.1.0", signer: first }), "SIGNATURE_INVALID", /pins no key/);
    await expectRefused(await pack({ version: "1.1.0", signer: first }), "SIGNATURE_INVALID", /pins no key/);
    // It still has to be the publisher who drops it.
    const free = await make({ version: "1.1.0" });
    await expectRefused(free, "SIGNATURE_INVALID", /no signature/, allow("drop-key"));
    await publisher.charge(await place(await make({ version: "1.1.0", signer: first }), allow("drop-key")));
    expect(publisher.keys()).toEqual({ schema: 1, pinned: [], revoked: [] });
    await place(await make({ version: "1.2.0" }));
  });

  it("outlives a rollback to a release from before it was pinned", async () => {
    await install("1.0.0");
    const old = await place(await make({ version: "1.0.0" }));
    await install("1.1.0", first.line, first);
    publisher.rollBack(old);
    await expectRefused(
      await make({ version: "1.2.0", pins: first.line }),
      "SIGNATURE_INVALID",
      /no signature/,
    );
  });

  it("may be one of several, and the next release may name others", async () => {
    const second = await publisher.makeKey("second");
    const third = await publisher.makeKey("third");
    await install("1.0.0", [first.line, second.line], first);
    const both = [second.line, third.line];
    await publisher.charge(await place(await pack({ version: "1.1.0", pins: both, signer: second })));
    await expectRefused(
      await make({ version: "1.2.0", pins: both, signer: first }),
      "SIGNATURE_INVALID",
      /the key to trust/,
    );
    await place(await make({ version: "1.2.0", pins: both, signer: third }));
  });
});

describe("a key that follows another", () => {
  it.each(["make", "pack"] as const)(
    "is taken with the old one's statement, not without (%s)",
    async (way) => {
      const second = await succeed(first, "second");
      const third = await succeed(second, "third");
      await install("1.0.0", first.line, first);
      const signed = { version: "1.1.0", pins: third.line, signer: third };
      await expectRefused(await publisher[way](signed), "SIGNATURE_INVALID", /the key to trust is/);
      await expectRefused(
        await publisher[way]({ ...signed, statements: [third.statement] }),
        "SIGNATURE_INVALID",
        /the key to trust is/,
      );
      const statements = [third.statement, second.statement];
      await publisher.charge(await place(await publisher[way]({ ...signed, statements })));
      expect(publisher.keys()).toEqual({ schema: 1, pinned: [third.line], revoked: [] });
      await expectRefused(
        await publisher[way]({ version: "1.2.0", pins: first.line, signer: first }),
        "SIGNATURE_INVALID",
        /the key to trust is/,
      );
    },
  );

  it("is not taken on a stranger's word, nor on a statement that was changed", async () => {
    const stranger = await publisher.makeKey("stranger");
    const forged = await succeed(stranger, "forged");
    const real = await succeed(first, "real");
    await install("1.0.0", first.line, first);
    const text = `gantry key statement 1\nkey ${first.line}\nis succeeded by ${forged.line}\n`;
    writeFileSync(forged.statement, text);
    const release = { version: "1.1.0", pins: forged.line, signer: forged, statements: [forged.statement] };
    await expectRefused(await make(release), "SIGNATURE_INVALID", /the key to trust is/);
    await expectRefused(await pack(release), "SIGNATURE_INVALID", /the key to trust is/);
    writeFileSync(real.statement, text);
    await expectRefused(
      await make({ ...release, statements: [real.statement] }),
      "SIGNATURE_INVALID",
      /to trust/,
    );
  });
});

describe("a revoked key", () => {
  it("is refused from then on, also when its older statements come again", async () => {
    const second = await succeed(first, "second");
    const evil = await succeed(first, "evil");
    const revoked = await revoke(first);
    await install("1.0.0", first.line, first);
    const release = { version: "1.1.0", pins: second.line, signer: second };
    await publisher.charge(await place(await pack({ ...release, statements: [second.statement, revoked] })));
    expect(publisher.keys()).toEqual({ schema: 1, pinned: [second.line], revoked: [first.line] });
    const old = { version: "1.2.0", pins: first.line, signer: first };
    await expectRefused(await make(old), "SIGNATURE_INVALID", /is revoked/);
    await expectRefused(await pack(old), "SIGNATURE_INVALID", /is revoked/);
    await expectRefused(await make(old), "SIGNATURE_INVALID", /is revoked/, { publicKey: first.line });
    const stolen = { version: "1.2.0", pins: evil.line, signer: evil, statements: [evil.statement] };
    await expectRefused(await make(stolen), "SIGNATURE_INVALID", /the key to trust is/);
    await expectRefused(
      await make({ ...old, signer: second }),
      "SIGNATURE_INVALID",
      /only keys that are revoked/,
    );
    // A release that pins it beside a good one takes nothing back.
    const mixed = { version: "1.2.0", pins: [first.line, second.line], signer: second };
    await publisher.charge(await place(await make(mixed)));
    await expectRefused(await make({ ...old, version: "1.3.0" }), "SIGNATURE_INVALID", /is revoked/);
  });

  it("is remembered although the release that says so is refused", async () => {
    await install("1.0.0", first.line, first);
    const second = await succeed(first, "second");
    const statements = [second.statement, await revoke(first)];
    await expectRefused(
      await make({ version: "0.9.0", pins: second.line, signer: second, statements }),
      "USAGE",
      /ran here/,
    );
    expect(publisher.keys()).toMatchObject({ revoked: [first.line] });
    await place(await make({ version: "1.1.0", pins: second.line, signer: second }));
  });

  it("may be the only one: then nothing is taken but what a person names a key for", async () => {
    await install("1.0.0", first.line, first);
    const file = await revoke(first);
    expect(planStatement(publisher.context, file).result).toMatchObject({ outcome: "planned" });
    expect(await learnStatement(publisher.context, file)).toMatchObject({ outcome: "done" });
    expect(await learnStatement(publisher.context, file)).toMatchObject({ outcome: "unchanged" });
    await expectRefused(
      await make({ version: "1.1.0", pins: first.line, signer: first }),
      "SIGNATURE_INVALID",
      /revoked/,
    );
    await expectRefused(await make({ version: "1.1.0" }), "SIGNATURE_INVALID", /no signature/);
    const second = await publisher.makeKey("second");
    const next = await pack({ version: "1.1.0", pins: second.line, signer: second });
    await expectRefused(next, "SIGNATURE_INVALID", /no key is trusted any more/);
    await publisher.charge(await place(next, { publicKey: second.line }));
    expect(publisher.keys()).toEqual({ schema: 1, pinned: [second.line], revoked: [first.line] });
  });

  it("is not revoked by a stranger, and a statement is taken alone", async () => {
    await install("1.0.0", first.line, first);
    const second = await succeed(first, "second");
    const stranger = await publisher.makeKey("stranger");
    const file = await revoke(first, stranger);
    await expect(learnStatement(publisher.context, file)).rejects.toMatchObject({
      findings: [{ code: "SIGNATURE_INVALID", what: expect.stringContaining("is not signed by") }],
    });
    expect(await learnStatement(publisher.context, second.statement)).toMatchObject({ outcome: "done" });
    await place(await make({ version: "1.1.0", pins: second.line, signer: second }));
    const other = join(publisher.root, "notes.txt");
    writeFileSync(other, "words\n");
    await expect(learnStatement(publisher.context, other)).rejects.toMatchObject({
      findings: [{ code: "RELEASE_FILE_MISSING" }],
    });
    writeFileSync(`${other}.minisig`, "words\n");
    await expect(learnStatement(publisher.context, other)).rejects.toMatchObject({
      findings: [{ code: "USAGE" }],
    });
  });
});

it("does not guess whom to trust when its own record is damaged", async () => {
  await install("1.0.0", first.line, first);
  writeFileSync(publisher.context.layout.keys, "{");
  await expect(place(await make({ version: "1.1.0" }))).rejects.toMatchObject({
    findings: [{ code: "IO_FAILED" }],
  });
});

it("with a key on the command line, accepts only what that key has signed", async () => {
  await install("1.0.0");
  const options = { publicKey: first.line };
  await expectRefused(await make({ version: "1.1.0" }), "SIGNATURE_INVALID", /no signature/, options);
  const other = await publisher.makeKey("other");
  await expectRefused(
    await make({ version: "1.1.0", signer: other }),
    "SIGNATURE_INVALID",
    /the key to trust/,
    options,
  );
  await expectRefused(
    await pack({ version: "1.1.0", signer: other }),
    "SIGNATURE_INVALID",
    /the key to trust/,
    options,
  );
  await place(await pack({ version: "1.1.0", signer: first }), options);
});
