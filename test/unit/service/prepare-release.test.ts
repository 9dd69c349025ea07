import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { GantryError } from "../../../src/base/errors.ts";
import { prepareRelease } from "../../../src/service/releases/prepare-release.ts";

let root = "";
let steps: string[] = [];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "gantry-prepare-"));
  steps = [];
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const nothing = () => {};

/** Runs a release whose launcher is this script. */
async function prepare(script: string, environment: Record<string, string> = {}): Promise<unknown> {
  writeFileSync(join(root, "gantry"), `#!/bin/sh\n${script}\n`);
  chmodSync(join(root, "gantry"), 0o755);
  const reporter = {
    step: (text: string) => void steps.push(text),
    progress: nothing,
    warn: nothing,
    debug: nothing,
  };
  const { signal } = new AbortController();
  try {
    return await prepareRelease(root, { environment, reporter, signal });
  } catch (error) {
    return error instanceof GantryError ? error.findings : error;
  }
}

describe("prepareRelease", () => {
  it("lets the release find its Node as its service will, not by the caller's PATH", async () => {
    const environment = { PATH: "/home/ada/.nvm/bin", STATE_DIRECTORY: "/elsewhere", LANG: "C" };
    const said = `echo "gantry: EXEC_FAILED: $PATH $LANG \${STATE_DIRECTORY-none}" >&2; exit 71`;
    const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    expect(await prepare(said, environment)).toEqual([{ code: "EXEC_FAILED", what: `${path} C none` }]);
  });

  it("tells the steps, and nothing else when all is well", async () => {
    expect(await prepare('test "$1" = prepare && echo "gantry: loading 2 modules" >&2')).toBeUndefined();
    expect(steps).toEqual(["loading 2 modules"]);
  });

  it("says what a launcher said that ended without a finding", async () => {
    expect(await prepare("echo something >&2; exit 3")).toMatchObject([
      { code: "MODULE_UNAVAILABLE", what: expect.stringMatching(/ended with 3$/), detail: ["something"] },
    ]);
  });
});
