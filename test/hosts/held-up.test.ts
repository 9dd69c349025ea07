/** Upgrades that something holds up: a command that does not end, and a process that is stopped and goes on too late. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bootLedger, expectWhole } from "../support/systemd/ledger-host.ts";
import { becomeVersion, buildLedger, gantry, untilAnswers, type Version } from "../support/systemd/ledger.ts";
import type { SystemdHost } from "../support/systemd/systemd-host.ts";

/** A lock lives for 20 seconds, and a machine that is busy with other things takes a while for the rest. */
const LONG = 600_000;

let scratch = "";
let host: SystemdHost;
let url = "";

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "gantry-held-up-"));
  ({ host, url } = await bootLedger("bookworm", { base: buildLedger(scratch), scratch }));
});
afterAll(async () => {
  await host?.remove();
  rmSync(scratch, { recursive: true, force: true });
});

async function upgrade(version: Version) {
  becomeVersion(join(host.root, "root/ledger"), version);
  // nsenter(1) stops when its child is stopped, and nobody would tell it to go on: the shell stands between them.
  const command = "/opt/ledger/current/gantry upgrade /root/ledger --json & wait $!";
  const answer = await host.run(["sh", "-c", command]);
  const json = answer.stdout.startsWith("{") ? (JSON.parse(answer.stdout) as Record<string, unknown>) : {};
  return { ...answer, json };
}

/** Names the process of the app's own command; this very line is none. */
const MIGRATING = "grep -lsa '[l]edger.migrate' /proc/[0-9]*/cmdline";

/** Waits until that step of a change is on record, and for whoever does it. */
async function untilStep(step: string): Promise<number> {
  for (const limit = performance.now() + 60_000; performance.now() < limit; await sleep(5)) {
    try {
      const text = readFileSync(join(host.root, "var/lib/gantry/ledger/upgrade.json"), "utf8");
      if ((JSON.parse(text) as { step: string }).step !== step) continue;
      const lock = await host.shell("cat /run/gantry-ledger.lock");
      return (JSON.parse(lock) as { pid: number }).pid;
    } catch {
      continue;
    }
  }
  throw new Error(`the upgrade never came to ${step}`);
}

describe("a command for a new version that does not end", () => {
  it.each([["hangs"], ["hangs, whatever it is told"]] as const)(
    "%s: has a limit of time",
    async (behaviour) => {
      const began = performance.now();
      const answer = await upgrade({ version: "0.2.1", behaviour, service: { activateTimeout: 2 } });
      expect(answer).toMatchObject({ code: 69, json: { findings: [{ code: "SERVICE_UNHEALTHY" }] } });
      expect(answer.stderr).toMatch(/\(migrate\) did not end within 2 s, and was ended; 0\.1\.0 serves on/);
      expect(answer.stderr).toContain("this version waits for what never comes");
      expect(performance.now() - began).toBeLessThan(60_000);
      expect(await host.shell(`${MIGRATING} || true; ls /run/systemd/system`)).toBe("");
      expect((await untilAnswers(url)).version).toBe("0.1.0");
      expect(await expectWhole(host)).toBe("0.1.0");
    },
  );

  it("is ended with the upgrade that is told to end", async () => {
    const running = upgrade({ version: "0.2.2", behaviour: "hangs" });
    const pid = await untilStep("activating");
    await host.shell(`until ${MIGRATING}; do sleep 0.1; done`);
    const began = performance.now();
    await host.shell(`kill ${pid}`);
    const answer = await running;
    expect(performance.now() - began).toBeLessThan(30_000);
    expect(answer.code).not.toBe(0);
    expect(await host.shell(`${MIGRATING} || true; ls /run/systemd/system`)).toBe("");
    expect((await untilAnswers(url)).version).toBe("0.1.0");
    expect(await expectWhole(host)).toBe("0.1.0");
  });
});

describe("an upgrade whose process is stopped for longer than its lock lives", () => {
  /** All that a change of the service could change. */
  const EVERYTHING = `{ find /opt/ledger /var/lib/gantry /etc/systemd/system /etc/sysusers.d /run/systemd/system \\
    -path '*/node_modules/*' -prune -o -printf '%p %y %i %m %s %T@ %l\\n' | sort
    systemctl show -p InvocationID ledger; cat /var/lib/gantry/ledger/history.jsonl; }`;

  it.each<[string, Version]>([
    ["placing", { version: "0.3.1" }],
    ["activating", { version: "0.3.2", behaviour: "hangs" }],
    ["switching", { version: "0.3.3", behaviour: "is ill", snapshot: true }],
  ])(
    "while %s: another one undoes it, and it changes nothing more",
    { timeout: LONG },
    async (step, version) => {
      const running = upgrade(version);
      const pid = await untilStep(step);
      await host.shell(`kill -STOP ${pid}`);
      const second = await gantry(host, ["status"]);
      expect(second.stderr).toContain(`the last upgrade was interrupted (${step})`);
      expect(second).toMatchObject({ code: 0, json: { version: "0.1.0", interrupted: null } });
      expect((await untilAnswers(url)).version).toBe("0.1.0");
      const before = await host.shell(EVERYTHING);
      await host.shell(`kill -CONT ${pid}`);
      const answer = await running;
      expect(answer).toMatchObject({ code: 75, json: { findings: [{ code: "LOCK_TIMEOUT" }] } });
      expect(answer.stderr).toMatch(/another one took over ledger; it changes nothing more/);
      expect(await host.shell(EVERYTHING)).toBe(before);
      expect(await expectWhole(host)).toBe("0.1.0");
    },
  );
});
