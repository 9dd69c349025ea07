/** A package that somebody planted in the tree of a release that pins a key: every cold path says so, `--repair` removes it. */
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, it } from "vitest";
import { expectRefusal } from "../../support/launcher/fixture.ts";
import { readTree } from "../../support/launcher/fixture-bundle.ts";
import { useFixture } from "../../support/launcher/use-fixture.ts";
import { parseJson } from "../../support/json-schema.ts";

const KEY = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
const OFFLINE = { GANTRY_OFFLINE: "1" };
const fixture = useFixture();
let root = "";
let ran = "";

beforeEach(() => {
  root = fixture.make({ tree: "present", manifest: (manifest) => ({ ...manifest, publicKey: KEY }) });
  ran = join(root, "ran");
});

const gantry = (...args: readonly string[]) => fixture.launch(root, args, OFFLINE);
function plant(): void {
  mkdirSync(join(root, "node_modules/@planted/evil"), { recursive: true });
  const code = `require("node:fs").writeFileSync(${JSON.stringify(ran)}, "")`;
  writeFileSync(join(root, "node_modules/@planted/evil/index.js"), code);
  symlinkSync(join(root, "lib"), join(root, "node_modules/linked"));
}

it("start, prepare, verify and doctor refuse it by name, and --repair removes it", async () => {
  const expected = readTree(root);
  plant();
  for (const command of ["start", "prepare", "verify"]) {
    const run = await gantry(command);
    expectRefusal(run, "DIGEST_MISMATCH", /@planted is no part of this release/);
    expect(run.stderr).toContain("node_modules/linked");
    expect(run.stderr).toContain("./gantry verify --repair");
  }
  const doctor = await gantry("doctor", "--json");
  expect(doctor.code).toBe(65);
  expect(parseJson("doctor", doctor.stdout)).toMatchObject({
    plan: { would: "refuse, with the findings below" },
    findings: [{ code: "DIGEST_MISMATCH", where: "node_modules/@planted" }],
  });
  const repair = await gantry("verify", "--repair");
  expect(repair).toMatchObject({ code: 0 });
  expect(repair.stderr).toContain(
    "removed 2 entries of node_modules, no part of the release: @planted, linked",
  );
  expect(readTree(root)).toEqual(expected);
  expect(existsSync(join(root, "lib/release.json"))).toBe(true);
  expect(existsSync(ran)).toBe(false);
  expect(await gantry("start")).toMatchObject({ code: 0 });
});

it("a tree that is damaged besides is replaced whole by --repair, from its source", async () => {
  plant();
  rmSync(join(root, "node_modules/bcrypt/bcrypt.js"));
  const registry = { GANTRY_REGISTRY: fixture.registry.url };
  const repair = await fixture.launch(root, ["verify", "--repair"], registry);
  expect(repair).toMatchObject({ code: 0 });
  expect(existsSync(join(root, "node_modules/@planted"))).toBe(false);
  expect(await gantry("start")).toMatchObject({ code: 0 });
});
