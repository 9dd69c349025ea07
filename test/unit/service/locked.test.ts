/** The lock of a service, and the process that has lost it. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { parseTarget } from "../../../src/release/targets.ts";
import { beginChange } from "../../../src/service/transaction/change.ts";
import type { ServiceContext } from "../../../src/service/service-context.ts";
import { serviceLayout } from "../../../src/service/service-layout.ts";
import { withService } from "../../../src/service/transaction/locked.ts";
import type { ChangeRecord } from "../../../src/service/transaction/record.ts";

const quiet = () => undefined;
let root = "";
let context: ServiceContext;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "gantry-locked-"));
  context = {
    layout: serviceLayout("app", root),
    own: { root: "", name: "app", binary: "app", target: parseTarget("linux-x64-gnu") },
    environment: {},
    reporter: { step: quiet, progress: quiet, warn: quiet, debug: quiet },
    signal: new AbortController().signal,
    uid: 0,
    who: { user: "root", uid: 0 },
    requireLock: () => {
      throw new Error("no lock is held");
    },
    host: "running",
  };
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const record: ChangeRecord = {
  schema: 1,
  action: "upgrade",
  from: "1.0.0-00000000000a",
  to: null,
  created: false,
  running: true,
  step: "placing",
  began: 0,
  who: { user: "root", uid: 0 },
};

it("lets its owner change things, and no other process afterwards", async () => {
  await withService(context, async ({ requireLock }) => requireLock());
  expect(context.requireLock).toThrow("no lock is held");
});

it("an owner whose lock was taken over writes no step, and keeps the new lock", async () => {
  const { layout } = context;
  mkdirSync(dirname(layout.lock), { recursive: true });
  const change = withService(context, async (held) => {
    const journal = await beginChange(held, record);
    writeFileSync(
      layout.lock,
      readFileSync(layout.lock, "utf8").replace(/"nonce":"\w+"/, '"nonce":"another"'),
    );
    await journal.update({ step: "switching" });
  });
  await expect(change).rejects.toMatchObject({ findings: [{ code: "LOCK_TIMEOUT", where: layout.lock }] });
  expect(readFileSync(layout.record, "utf8")).toContain('"placing"');
  expect(readFileSync(layout.lock, "utf8")).toContain('"another"');
});
