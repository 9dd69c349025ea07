/** What a program gets from the package: facts of this host, by which files are judged and messages explained. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { check, explain, parseCapturedHost, readHostFacts } from "../../src/index.ts";

const NATIVE = join(
  import.meta.dirname,
  "../../node_modules/lightningcss-linux-x64-gnu/lightningcss.linux-x64-gnu.node",
);

let scratch = "";
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "gantry-programs-"));
});
afterEach(() => rmSync(scratch, { recursive: true }));

it("judges by the facts of a host as by the host itself", () => {
  const here = check({ paths: [NATIVE], environment: {} });
  const hostFactsFile = join(scratch, "facts.json");
  writeFileSync(hostFactsFile, JSON.stringify(readHostFacts({ environment: {} })));
  const there = check({ paths: [NATIVE], hostFactsFile, environment: {} });
  expect(there.files).toEqual(here.files);
  expect(here.files).toMatchObject([{ path: NATIVE }]);
  expect(there.runtime).toEqual(here.runtime);
});

it("explains a message by the facts of a host", () => {
  const { facts, runtime } = parseCapturedHost(JSON.stringify(readHostFacts({ environment: {} })), "facts");
  const found = explain("Error: /x/a.node: wrong ELF class: ELFCLASS32", {
    host: facts,
    runtime: runtime?.facts,
  });
  expect(found).toMatchObject([{ quote: "Error: /x/a.node: wrong ELF class: ELFCLASS32" }]);
  expect(explain("all is well")).toEqual([]);
});
