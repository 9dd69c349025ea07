/** Upgrades that are cut short: by a host that crashes, a process that is killed, a disk that is full; and very many. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bootLedger, expectNoLoss, expectWhole, signalLockOwner } from "../support/systemd/ledger-host.ts";
import {
  becomeVersion,
  buildLedger,
  gantry,
  releasesOf,
  startTraffic,
  untilAnswers,
  type Traffic,
} from "../support/systemd/ledger.ts";
import type { SystemdHost } from "../support/systemd/systemd-host.ts";

/** For those that boot, or upgrade, very often: a machine that is busy with other things takes a while. */
const LONG = 600_000;

let scratch = "";
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "gantry-trouble-"));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe("trouble in the middle", () => {
  let host: SystemdHost;
  let url = "";
  beforeAll(async () => {
    ({ host, url } = await bootLedger("bookworm", { base: buildLedger(scratch), scratch }));
  });
  afterAll(() => host?.remove());

  /** The step on record, or nothing when no change is under way. */
  function stepOnRecord(): string {
    try {
      const text = readFileSync(join(host.root, "var/lib/gantry/ledger/upgrade.json"), "utf8");
      return (JSON.parse(text) as { step: string }).step;
    } catch {
      return "";
    }
  }

  /** Waits until the upgrade is at a step, or has gone past it. */
  async function untilStep(step: string, over: () => boolean): Promise<void> {
    const order = ["", "placing", "copying", "activating", "switching", "confirmed"];
    for (const limit = performance.now() + 30_000; performance.now() < limit && !over(); await sleep(1)) {
      if (order.indexOf(stepOnRecord()) >= order.indexOf(step)) return;
    }
  }

  /** A step, and milliseconds after it began. */
  const POINTS: readonly [step: string, after: number][] = [
    ["placing", 0],
    ["placing", 250],
    ["placing", 600],
    ["placing", 1000],
    ["copying", 0],
    ["activating", 0],
    ["activating", 150],
    ["switching", 0],
    ["switching", 80],
    ["confirmed", 0],
  ];

  it(
    "a host crash at ten points of an upgrade leaves one complete generation",
    { timeout: LONG },
    async () => {
      const all: Traffic[] = [];
      const hits: string[] = [];
      for (const [index, [step, after]] of POINTS.entries()) {
        becomeVersion(join(host.root, "root/ledger"), { version: `0.2.${index}`, snapshot: true });
        const traffic = startTraffic(url);
        all.push(traffic);
        const before = (await untilAnswers(url)).version;
        let over = false;
        const running = gantry(host, ["upgrade", "/root/ledger", "--keep", "2"]).finally(() => (over = true));
        await untilStep(step, () => over);
        await sleep(after);
        hits.push(stepOnRecord() || "done");
        await host.crash();
        await running.catch(() => undefined);
        await traffic.stop();
        await host.up();
        const now = await untilAnswers(url);
        expect([before, `0.2.${index}`]).toContain(now.version);
        expect(await expectWhole(host)).toBe(now.version);
        const status = await gantry(host, ["status"]);
        expect(status).toMatchObject({
          code: 0,
          json: { version: now.version, interrupted: null, running: null },
        });
        await expectNoLoss(url, ...all);
      }
      console.log(
        `crashed in ${hits.join(", ")}; ${POINTS.length} boots, no row of ${all.reduce((sum, one) => sum + one.acknowledged(), 0)} lost`,
      );
    },
  );

  it.each([["placing"], ["activating"], ["switching"]])(
    "killed while %s, the next command puts it in order",
    async (step) => {
      becomeVersion(join(host.root, "root/ledger"), {
        version: `0.3.${step.length}`,
        behaviour: "is ill",
        snapshot: true,
      });
      const before = await untilAnswers(url);
      let over = false;
      const running = gantry(host, ["upgrade", "/root/ledger"]).finally(() => (over = true));
      await untilStep(step, () => over);
      await signalLockOwner(host, "KILL");
      await running;
      expect(stepOnRecord()).not.toBe("");
      const status = await gantry(host, ["status"]);
      expect(status).toMatchObject({ code: 0, json: { version: before.version, interrupted: null } });
      expect(await untilAnswers(url)).toEqual(before);
      expect(await expectWhole(host)).toBe(before.version);
    },
  );

  it("stopped by a signal, it goes back before it ends", async () => {
    becomeVersion(join(host.root, "root/ledger"), { version: "0.4.0", behaviour: "is ill" });
    const before = await untilAnswers(url);
    let over = false;
    const running = gantry(host, ["upgrade", "/root/ledger"]).finally(() => (over = true));
    await untilStep("switching", () => over);
    await signalLockOwner(host, "TERM");
    expect((await running).code).not.toBe(0);
    expect(stepOnRecord()).toBe("");
    expect(await untilAnswers(url)).toEqual(before);
    expect(await expectWhole(host)).toBe(before.version);
  });

  it("a full disk changes nothing", async () => {
    becomeVersion(join(host.root, "root/ledger"), { version: "0.5.0" });
    const before = await untilAnswers(url);
    const generations = releasesOf(host);
    // The current generation fits, and half of another one.
    await host.shell(`systemctl stop ledger && mkdir /root/opt && mv /opt/ledger /root/opt/
      mount -t tmpfs -o size=$(( $(du -sk /root/opt | cut -f1) * 1024 + 50000000 )) none /opt
      cp -a /root/opt/ledger /opt/ && systemctl start ledger`);
    await untilAnswers(url);
    const answer = await gantry(host, ["upgrade", "/root/ledger"]);
    expect(answer).toMatchObject({ code: 73, json: { findings: [{ code: "DISK_FULL" }] } });
    expect(await untilAnswers(url)).toEqual(before);
    expect((await host.shell("ls -A /opt/ledger/releases")).trim().split("\n").toSorted()).toEqual(
      generations,
    );
    await host.shell(
      "systemctl stop ledger && umount /opt && mv /root/opt/ledger /opt/ && systemctl start ledger",
    );
    await untilAnswers(url);
  });

  it("50 upgrades in a row leave what --keep says", { timeout: LONG }, async () => {
    // Data that was set aside when an upgrade went back.
    expect((await gantry(host, ["clean", "--keep", "2"])).code).toBe(0);
    const began = performance.now();
    for (let number = 0; number < 50; number += 1) {
      becomeVersion(join(host.root, "root/ledger"), { version: `0.6.${number}` });
      const answer = await gantry(host, ["upgrade", "/root/ledger", "--keep", "2"]);
      expect(answer).toMatchObject({ code: 0, json: { outcome: "done" } });
    }
    console.log(`50 upgrades took ${((performance.now() - began) / 1000).toFixed(0)} s`);
    expect(releasesOf(host).map((name) => name.split("-")[0])).toEqual(["0.6.48", "0.6.49"]);
    expect(await expectWhole(host)).toBe("0.6.49");
    expect(
      (await host.shell("ls -A /var/lib/gantry/ledger /run/systemd/system; ls /run | grep gantry || true"))
        .split("\n")
        .filter((line) => line !== ""),
    ).toEqual([
      "/run/systemd/system:",
      "/var/lib/gantry/ledger:",
      "activated",
      "history.jsonl",
      "keys.json",
      "owned.json",
    ]);
    expect(await gantry(host, ["clean", "--keep", "1"])).toMatchObject({
      code: 0,
      json: { outcome: "done" },
    });
    expect(releasesOf(host).map((name) => name.split("-")[0])).toEqual(["0.6.49"]);
  });
});
