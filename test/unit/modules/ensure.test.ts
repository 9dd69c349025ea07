/** What happens when a process loses the lock in the middle of its work: the other one's tree counts. */
import { cpSync, rmSync } from "node:fs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ensureTree, type EnsureOptions } from "../../../src/modules/ensure.ts";
import { registrySource, type ModuleSource } from "../../../src/modules/sources/source.ts";
import { readLockOwner } from "../../../src/modules/lock/lock.ts";
import { locationInRelease, readRelease } from "../../../src/modules/release/unpacked.ts";
import { bareEnvironment, makeFixture, type Fixture } from "../../support/launcher/fixture.ts";

let fixture: Fixture;
beforeAll(async () => {
  fixture = await makeFixture();
});
afterAll(() => fixture.dispose());

const LIMITS = { beat: 20, stale: 60_000, stuck: 60_000, poll: 10 };
const silent = {
  step: () => undefined,
  progress: () => undefined,
  warn: () => undefined,
  debug: () => undefined,
};

function optionsFor(root: string): EnsureOptions & { readonly source: ModuleSource } {
  const release = readRelease(root);
  const environment = bareEnvironment();
  return {
    release,
    location: locationInRelease(release.layout),
    source: registrySource(release, {
      packageManager: "bun",
      registry: fixture.registry.url,
      environment,
      skip: new Set(),
    }),
    reporter: silent,
    environment,
    signal: new AbortController().signal,
    self: { os: process.platform, arch: process.arch, path: process.execPath, versions: process.versions },
    skip: new Set(),
    intent: "ready",
    lockLimits: LIMITS,
  };
}

it("waits for whoever took its lock over, although its own work was swept away", async () => {
  const options = optionsFor(fixture.make());
  let thief: Promise<unknown> = Promise.resolve();
  const robbed: ModuleSource = {
    description: "and is robbed",
    run: async ({ work }) => {
      const before = readLockOwner(options.location.lock)?.nonce;
      rmSync(options.location.lock);
      thief = ensureTree(options);
      await expect.poll(() => readLockOwner(options.location.lock)?.nonce).not.toBe(before);
      await expect.poll(() => readLockOwner(options.location.lock)?.nonce).toBeDefined();
      rmSync(work, { recursive: true, force: true });
      return { complaints: [] };
    },
  };
  const first = await ensureTree({ ...options, source: robbed });
  expect(["ready", "waited"]).toContain(first.how);
  expect(await thief).toMatchObject({ how: "installed" });
});

it("keeps the other one's tree when both finish", async () => {
  const options = optionsFor(fixture.make());
  const twice: ModuleSource = {
    description: "twice",
    run: async (context) => {
      rmSync(options.location.lock);
      expect(await ensureTree(options)).toMatchObject({ how: "proven" });
      return options.source.run(context);
    },
  };
  // The second process finds a whole tree, which somebody copied there meanwhile, and stamps it.
  const copied: ModuleSource = {
    description: "while a tree is copied there",
    run: (context) => {
      const source = fixture.make({ tree: "present" });
      cpSync(`${source}/node_modules`, options.location.modules, { recursive: true });
      return twice.run(context);
    },
  };
  const { how, stamped } = await ensureTree({ ...options, source: copied });
  expect(["ready", "waited"]).toContain(how);
  expect(stamped).toBe(true);
});

it("does not hide a failure of its own behind the other one", async () => {
  const options = optionsFor(fixture.make());
  const failing: ModuleSource = {
    description: "and fails",
    run: () => Promise.reject(new Error("on its own")),
  };
  await expect(ensureTree({ ...options, source: failing })).rejects.toMatchObject({
    findings: [{ code: "INTERNAL", what: "on its own" }],
  });
});
