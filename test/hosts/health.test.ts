/** Healthy means the main process of this start, on a port that it holds itself: on a real host, against impostors. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { bootLedger, expectWhole } from "./ledger-host.ts";
import {
  becomeVersion,
  buildLedger,
  gantry,
  PORT,
  untilAnswers,
  type Answer,
  type Version,
} from "./ledger.ts";
import { show } from "./service-state.ts";
import type { SystemdHost } from "./systemd-host.ts";

/** Seconds. */
const SETTLE = 3;
const SETTLED = { service: { healthSettle: SETTLE } };

let scratch = "";
let host: SystemdHost;
let url = "";
beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "gantry-health-"));
  const base = buildLedger(scratch);
  ({ host, url } = await bootLedger("bookworm", { base, scratch }));
  // Where any user may run it.
  host.put(join(base, "lib/ledger"), "/srv/bun");
});
afterAll(async () => {
  await host?.remove();
  rmSync(scratch, { recursive: true, force: true });
});
afterEach(async () => {
  await host.shell(
    "systemctl stop rogue ledger.socket 2>/dev/null; systemctl reset-failed; rm -f /var/lib/ledger/crashed",
  );
});

/** Runs JavaScript as another unit, `rogue.service`, until the test ends. */
async function startRogue(script: string, ...properties: string[]): Promise<void> {
  const settings = properties.map((property) => `-p ${property}`).join(" ");
  await host.shell(
    `systemd-run -q --unit=rogue ${settings} --setenv=BUN_BE_BUN=1 /srv/bun -e '${script.replaceAll("\n", " ")}'`,
  );
}

/** Listens as soon as it can, and answers 200. */
const grab = (hostname: string, more = "") => `
  const grab = () => {
    try { Bun.serve({ hostname: "${hostname}", port: ${PORT}, ${more} fetch: () => new Response("rogue") }); }
    catch { setTimeout(grab, 1); }
  };
  grab()`;

let number = 0;
async function upgradeTo(version: Partial<Version>): Promise<Answer & { version: string }> {
  number += 1;
  const name = `0.2.${number}`;
  becomeVersion(join(host.root, "root/ledger"), { version: name, ...SETTLED, ...version });
  return { version: name, ...(await gantry(host, ["upgrade", "/root/ledger"])) };
}

const flat = (text: string) => text.replaceAll(/\s+/g, " ");

describe("an upgrade goes back from a release that", () => {
  it.each([
    ["answers once and dies", /it ended with exit status 9/],
    ["answers well for a second", /it ended/],
    ["crashes once", /it ended with exit status 9/],
    ["forks and leaves", /its main process ended|it ended/],
    ["listens elsewhere", /nobody listens on port 4690; it listens at 127\.0\.0\.1:4699/],
  ])("%s", async (behaviour, why) => {
    const { version } = await untilAnswers(url);
    const answer = await upgradeTo({ behaviour });
    expect(answer).toMatchObject({ code: 69, json: { findings: [{ code: "SERVICE_UNHEALTHY" }] } });
    expect(flat(answer.stderr)).toMatch(why);
    expect(flat(answer.stderr)).toContain(`${version} serves again`);
    expect((await untilAnswers(url)).version).toBe(version);
    expect(await expectWhole(host)).toBe(version);
  });

  it("lost the race for its port, and lives on", async () => {
    const { version } = await untilAnswers(url);
    await startRogue(grab("127.0.0.1"));
    const answer = await upgradeTo({ behaviour: "lives on without its port" });
    expect(answer).toMatchObject({ code: 69, json: { findings: [{ code: "SERVICE_UNHEALTHY" }, {}] } });
    const rogue = (await show(host, "MainPID", "rogue")).trim();
    expect(flat(answer.stderr)).toContain(`port 4690 is held by process ${rogue} (`);
    expect(flat(answer.stderr)).toContain("rogue.service");
    await host.shell("systemctl stop rogue && systemctl restart ledger");
    expect((await untilAnswers(url)).version).toBe(version);
    expect(await expectWhole(host)).toBe(version);
  });
});
