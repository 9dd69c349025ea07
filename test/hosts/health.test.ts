/** Healthy means the main process of this start, on a port that it holds itself: on a real host, against impostors. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { bootLedger, expectWhole } from "../support/systemd/ledger-host.ts";
import {
  becomeVersion,
  buildLedger,
  gantry,
  PORT,
  releasesOf,
  untilAnswers,
  type Answer,
  type Version,
} from "../support/systemd/ledger.ts";
import { show } from "../support/systemd/service-state.ts";
import type { SystemdHost } from "../support/systemd/systemd-host.ts";

/** Seconds. */
const SETTLE = 3;
const SETTLED = { service: { healthSettle: SETTLE, port: PORT, health: "/health" } };

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
    "systemctl stop rogue ledger.socket 2>/dev/null; systemctl reset-failed; rm -f /var/lib/ledger/crashed /etc/ledger/env",
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
    try { Bun.serve({ hostname: "${hostname}", port: ${PORT}, ${more} fetch: () => new Response("rogue") });
      Bun.listen({ hostname: "127.0.0.1", port: 4791, socket: { data() {} } }); }
    catch { setTimeout(grab, 1); }
  };
  grab()`;

/** The rogue has the port: it then opens 4791, which is 12B7 to the kernel. */
const untilListens = () =>
  host.shell(
    "for i in $(seq 300); do grep -q ':12B7 [0-9:]* 0A' /proc/net/tcp && exit 0; sleep 0.1; done; exit 1",
  );

const DROP_INS = "/etc/systemd/system/ledger.service.d";
const PORTLESS = { healthSettle: SETTLE, port: undefined, health: undefined };

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

describe("an upgrade is done to a release that", () => {
  it.each([
    ["works", /127\.0\.0\.1:4690\/health answered 200; watched for 3 s/],
    ["leaves it to a child", /127\.0\.0\.1:4690\/health answered 200/],
    ["has two workers", /127\.0\.0\.1:4690\/health answered 200/],
    ["listens on IPv6 alone", /\[::1\]:4690\/health answered 200/],
    ["listens everywhere", /\[::1\]:4690\/health answered 200/],
  ])("%s", async (behaviour, facts) => {
    const began = performance.now();
    const answer = await upgradeTo({ behaviour });
    expect(answer).toMatchObject({ code: 0, json: { outcome: "done" } });
    expect(JSON.stringify(answer.json["facts"])).toMatch(facts);
    expect(performance.now() - began).toBeGreaterThan(SETTLE * 1000);
    expect(await show(host, "NRestarts", "ledger")).toBe("0");
  });

  it("takes the socket that systemd opened for it", async () => {
    host.write(
      "/etc/systemd/system/ledger.socket",
      `[Socket]\nListenStream=127.0.0.1:${PORT}\n[Install]\nWantedBy=sockets.target\n`,
    );
    await host.shell("systemctl daemon-reload && systemctl stop ledger && systemctl start ledger.socket");
    const answer = await upgradeTo({ behaviour: "takes the socket of systemd" });
    expect(answer).toMatchObject({ code: 0, json: { outcome: "done" } });
    // The socket is held by systemd alone now, and that is no other program.
    await host.shell("systemctl stop ledger");
    expect((await gantry(host, ["install", "--dry-run"])).code).toBe(0);
    await host.shell(
      "systemctl stop ledger.socket; rm /etc/systemd/system/ledger.socket; systemctl daemon-reload",
    );
  });

  it.each([
    ["never listens", "exec", "it runs; watched for 3 s"],
    ["never listens, and is ready", "notify", "it said that it is ready; watched for 3 s"],
  ])("%s, as Type=%s", async (behaviour, type, fact) => {
    host.write(`${DROP_INS}/test.conf`, `[Service]\nType=${type}\nNotifyAccess=all\n`);
    await host.shell("systemctl daemon-reload");
    const answer = await upgradeTo({ behaviour, service: { ...PORTLESS, type } });
    expect(answer).toMatchObject({ code: 0, json: { facts: [expect.anything(), `healthy: ${fact}`] } });
    await host.shell(`rm ${DROP_INS}/test.conf && systemctl daemon-reload`);
  });
});

describe("a release without a port", () => {
  it("that ends within the settle time is given up", async () => {
    const before = (await show(host, "ExecMainStartTimestamp", "ledger")).trim();
    const answer = await upgradeTo({
      behaviour: "never listens, and ends after a second",
      service: PORTLESS,
    });
    expect(answer.code).toBe(69);
    expect(flat(answer.stderr)).toMatch(
      /it ended with exit status 0, 1\.\d s after it was healthy; .* serves again/,
    );
    expect((await show(host, "ExecMainStartTimestamp", "ledger")).trim()).not.toBe(before);
    expect((await upgradeTo({})).code).toBe(0);
  });
});

/** What must be the same afterwards. */
const state = async () => [
  releasesOf(host),
  await host.shell("readlink /opt/ledger/current; cd /etc/systemd/system; sha256sum ledger*.service"),
  await show(host, "InvocationID", "ledger"),
];

async function expectRefusal(answer: Answer, port: number): Promise<void> {
  const rogue = (await show(host, "MainPID", "rogue")).trim();
  expect(answer).toMatchObject({ code: 69, json: { findings: [{ code: "SERVICE_UNHEALTHY" }] } });
  const [{ what, fix }] = answer.json["findings"] as [{ what: string; fix: string }];
  expect(what).toMatch(
    new RegExp(`^port ${port} is held by process ${rogue} \\(/srv/bun -e .*, rogue\\.service\\), and`),
  );
  expect(fix).toContain(`stop process ${rogue}`);
  expect(fix).toContain("/etc/ledger/env");
}

describe("a port that another program holds", () => {
  it("before a start fails upgrade, rollback and install, and nothing is switched", async () => {
    // One to go back to.
    expect((await upgradeTo({})).code).toBe(0);
    await host.shell("systemctl stop ledger");
    await startRogue(grab("127.0.0.1"), "User=nobody");
    await untilListens();
    const before = await state();
    await expectRefusal(await upgradeTo({}), PORT);
    await expectRefusal(await gantry(host, ["upgrade", "/root/ledger", "--dry-run"]), PORT);
    await expectRefusal(await gantry(host, ["rollback"]), PORT);
    await expectRefusal(await gantry(host, ["rollback", "--dry-run"]), PORT);
    await expectRefusal(await gantry(host, ["install"]), PORT);
    expect(await state()).toEqual(before);
    const status = await gantry(host, ["status"]);
    expect(status.code).toBe(69);
    await host.shell("systemctl stop rogue");
    expect((await gantry(host, ["install"])).code).toBe(0);
    expect(await expectWhole(host)).toBe((await untilAnswers(url)).version);
  });

  it("is the one that the env file names from now on, and the old one serves on", async () => {
    host.write("/etc/ledger/env", "PORT=4777\n", 0o600);
    await startRogue(grab("127.0.0.1").replace(String(PORT), "4777"));
    await untilListens();
    const before = await state();
    await expectRefusal(await upgradeTo({}), 4777);
    expect(await state()).toEqual(before);
    await host.shell("rm /etc/ledger/env");
  });

  it("at an address that the service does not use is none of its business", async () => {
    await startRogue(grab("127.0.0.53"));
    await untilListens();
    expect((await upgradeTo({})).code).toBe(0);
  });

  it("at the service's own address, shared, is found by upgrade and by status", async () => {
    expect((await upgradeTo({ behaviour: "shares its port" })).code).toBe(0);
    // SO_REUSEPORT is for sockets of one user (socket(7)).
    await startRogue(grab("127.0.0.1", "reusePort: true,"), "User=ledger");
    await untilListens();
    const rogue = (await show(host, "MainPID", "rogue")).trim();
    const shared = `process ${rogue} (/srv/bun -e `;
    const status = await gantry(host, ["status"]);
    expect(status).toMatchObject({ code: 69, json: { health: { healthy: false } } });
    expect(flat(status.stderr)).toContain(shared);
    expect(flat(status.stderr)).toContain("listens at 127.0.0.1:4690 beside this service");
    await expectRefusal(await upgradeTo({ behaviour: "shares its port" }), PORT);
  });

  it("and that comes while the new release is watched has it given up", async () => {
    const { version } = await untilAnswers(url);
    await startRogue(
      `const shared = () => { ${grab("127.0.0.1", "reusePort: true,")} };
       const wait = () => fetch("http://127.0.0.1:${PORT}/health").then((answer) => answer.text())
         .then((text) => text === "${version}" ? setTimeout(wait, 5) : setTimeout(shared, 500), () => setTimeout(wait, 5));
       wait()`.replaceAll(/\n\s*/g, " "),
      "User=ledger",
    );
    const answer = await upgradeTo({ behaviour: "shares its port" });
    expect(answer.code).toBe(69);
    const rogue = (await show(host, "MainPID", "rogue")).trim();
    expect(flat(answer.stderr)).toContain(`process ${rogue} (/srv/bun -e `);
    expect(flat(answer.stderr)).toContain("beside this service");
    await host.shell("systemctl stop rogue && systemctl restart ledger");
    expect((await untilAnswers(url)).version).toBe(version);
  });

  it("is a .socket unit of somebody else", async () => {
    host.write("/etc/systemd/system/other.socket", `[Socket]\nListenStream=${PORT}\nAccept=yes\n`);
    host.write("/etc/systemd/system/other@.service", "[Service]\nExecStart=/bin/cat\nStandardInput=socket\n");
    await host.shell("systemctl daemon-reload && systemctl stop ledger && systemctl start other.socket");
    const answer = await gantry(host, ["install"]);
    expect(answer.code).toBe(69);
    expect(flat(answer.stderr)).toContain("port 4690 is held by systemd for other.socket");
    expect(flat(answer.stderr)).toContain("systemctl stop other.socket");
    await host.shell("systemctl stop other.socket && systemctl start ledger");
    await untilAnswers(url);
  });
});

it("a process that an earlier start left behind is not this start's", async () => {
  host.write(`${DROP_INS}/test.conf`, "[Service]\nKillMode=process\n");
  await host.shell("systemctl daemon-reload");
  expect((await upgradeTo({ behaviour: "leaves its child behind" })).code).toBe(0);
  const answer = await upgradeTo({ behaviour: "lives on without its port" });
  expect(answer.code).toBe(69);
  expect(flat(answer.stderr)).toMatch(
    /held by process \d+ \(.*ledger\.service, left over from an earlier start\)/,
  );
  await host.shell(`rm ${DROP_INS}/test.conf && systemctl daemon-reload
    systemctl kill --kill-who=all -s KILL ledger; systemctl reset-failed ledger; systemctl start ledger`);
});
