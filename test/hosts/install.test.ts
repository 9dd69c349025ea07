/** A fresh host without a network, and one command: the service it gets, what survives, and what is left in the end. */
import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { exerciseBrain } from "../support/app/brain-client.ts";
import { copyRelease } from "../support/app/release.ts";
import { expectWhole } from "../support/systemd/ledger-host.ts";
import {
  becomeVersion,
  buildLedger,
  gantry,
  makeVersion,
  PORT,
  untilAnswers,
} from "../support/systemd/ledger.ts";
import type { Suite } from "../support/roots/roots.ts";
import { untilHealthy } from "../support/systemd/service-state.ts";
import { bootHost, type SystemdHost } from "../support/systemd/systemd-host.ts";

let scratch = "";
let release = "";
const hosts: SystemdHost[] = [];

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "gantry-install-"));
  release = makeVersion(buildLedger(scratch), scratch, { version: "0.1.0" });
});
afterEach(async () => {
  for (const host of hosts.splice(0)) await host.remove();
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** A host with the ledger unpacked at /srv/ledger, where anybody may read it. */
async function boot(suite: Suite): Promise<SystemdHost> {
  const host = await bootHost({ suite });
  hosts.push(host);
  host.put(release, "/srv/ledger");
  return host;
}

const install = (host: SystemdHost, ...args: string[]) => gantry(host, ["install", ...args], "/srv/ledger");
const show = async (host: SystemdHost, property: string) =>
  (await host.shell(`systemctl show --value -p ${property} ledger`)).trim();

describe("installing", () => {
  it("asks for root, says what it would do, and does it once", async () => {
    const host = await boot("bookworm");
    const everything = "find /opt /etc /var/lib/gantry /var/lib/ledger ! -name machine-id 2>/dev/null | sort";
    const before = await host.shell(`${everything} || true`);
    const other = await host.run(["runuser", "-u", "nobody", "--", "/srv/ledger/gantry", "install"]);
    expect(other.code).toBe(77);
    expect(other.stderr).toMatch(/PERMISSION_DENIED: .*needs root\n {2}fix {3}sudo \.\/gantry install/);
    const past = await host.run(["runuser", "-u", "nobody", "--", "/srv/ledger/gantry", "history"]);
    expect(past.code).toBe(77);
    const planned = await install(host, "--dry-run");
    expect(planned).toMatchObject({ code: 0, json: { outcome: "planned" } });
    expect(planned.json["steps"]).toContainEqual(expect.stringContaining("/opt/ledger/releases/0.1.0-"));
    expect(await host.shell(`${everything} || true`)).toBe(before);

    // setup.sh is the same command; nothing here has a terminal.
    const first = await host.run(["/srv/ledger/setup.sh"]);
    expect(first).toMatchObject({ code: 0 });
    expect(first.stdout).toMatch(
      /^ledger 0\.1\.0 is installed as ledger\.service, and starts at boot\nhealthy: /,
    );
    expect(await expectWhole(host)).toBe("0.1.0");
    const modes =
      "stat -c '%a %U %n' /etc/ledger/env /var/lib/gantry/ledger /opt/ledger/current/ /var/lib/ledger";
    expect(await host.shell(modes)).toBe(
      "600 root /etc/ledger/env\n700 root /var/lib/gantry/ledger\n755 root /opt/ledger/current/\n700 ledger /var/lib/ledger\n",
    );
    expect((await host.shell("systemctl is-enabled ledger")).trim()).toBe("enabled");
    expect(await show(host, "NeedDaemonReload")).toBe("no");

    const run = await show(host, "InvocationID");
    expect(await install(host)).toMatchObject({ code: 0, json: { outcome: "unchanged" } });
    expect(await show(host, "InvocationID")).toBe(run);
  });

  it("what it made stays what people made of it, through restarts, reboots and crashes", async () => {
    const host = await boot("bookworm");
    host.write("/etc/ledger/env", "PORT=4691\n", 0o600);
    expect(await install(host)).toMatchObject({ code: 0, json: { outcome: "done" } });
    expect(readFileSync(join(host.root, "etc/ledger/env"), "utf8")).toBe("PORT=4691\n");
    const { url } = await host.forward(4691);
    for (let row = 0; row < 3; row += 1) await fetch(`${url}/rows`, { method: "POST", body: `row-${row}` });
    await host.reboot();
    expect(await untilAnswers(url)).toEqual({ version: "0.1.0", rows: 3 });
    const status = await gantry(host, ["status"]);
    expect(status).toMatchObject({
      code: 0,
      json: { version: "0.1.0", health: { healthy: true }, interrupted: null },
    });

    await host.shell("kill -9 $(systemctl show --value -p MainPID ledger)");
    expect(await untilAnswers(url)).toEqual({ version: "0.1.0", rows: 3 });

    // A person who tries the release out beside it.
    const run = await show(host, "InvocationID");
    await host.shell("cd /tmp && /srv/ledger/ledger migrate && cat /tmp/migrations && rm /tmp/migrations");
    expect(await show(host, "InvocationID")).toBe(run);
    expect(await untilAnswers(url)).toEqual({ version: "0.1.0", rows: 3 });

    appendFileSync(join(host.root, "var/lib/gantry/ledger/history.jsonl"), '{"schema":1,"at":"20');
    const history = await gantry(host, ["history"]);
    expect(history.json).toMatchObject({ skipped: 1, entries: [{ action: "install", outcome: "done" }] });
  });

  it("uninstalling keeps data and settings, and installing takes them up; purging asks", async () => {
    const host = await boot("bookworm");
    await install(host);
    const { url } = await host.forward(PORT);
    await fetch(`${url}/rows`, { method: "POST", body: "kept" });
    expect(await gantry(host, ["uninstall"])).toMatchObject({ code: 0, json: { outcome: "done" } });
    for (const path of ["opt/ledger", "etc/systemd/system/ledger.service", "etc/sysusers.d/ledger.conf"]) {
      expect(existsSync(join(host.root, path))).toBe(false);
    }
    expect(await host.shell("systemctl list-units --all --plain --no-legend '*ledger*'")).toBe("");
    expect(await gantry(host, ["status"], "/srv/ledger")).toMatchObject({ code: 66 });
    expect((await install(host)).code).toBe(0);
    expect(await untilAnswers(url)).toEqual({ version: "0.1.0", rows: 1 });

    const asked = await gantry(host, ["uninstall", "--purge"]);
    expect(asked).toMatchObject({ code: 64, json: { outcome: "failed" } });
    expect(await untilAnswers(url)).toEqual({ version: "0.1.0", rows: 1 });
    expect(await gantry(host, ["uninstall", "--purge", "--yes"])).toMatchObject({ code: 0 });
    for (const path of [
      "opt/ledger",
      "etc/ledger",
      "var/lib/ledger",
      "var/lib/gantry/ledger",
      "var/log/ledger",
    ]) {
      expect(existsSync(join(host.root, path))).toBe(false);
    }
  });

  it("a release that is not well from the start stays, and says what it lacks", async () => {
    const host = await boot("bookworm");
    becomeVersion(join(host.root, "srv/ledger"), { version: "0.1.1", behaviour: "is ill" });
    const answer = await install(host);
    expect(answer).toMatchObject({ code: 69, json: { findings: [{ code: "SERVICE_UNHEALTHY" }] } });
    expect(answer.stderr).toMatch(/is installed, and not healthy: .*answered 503/);
    expect(answer.stderr).toContain("/etc/ledger/env");
    expect(await expectWhole(host)).toBe("0.1.1");
    expect((await gantry(host, ["status"])).code).toBe(69);
  });
});

describe.each(["bullseye", "trixie"] as const)("on %s", (suite) => {
  it("installs, upgrades, goes back, survives a reboot, and goes", async () => {
    const host = await boot(suite);
    expect(await install(host)).toMatchObject({ code: 0, json: { outcome: "done" } });
    const { url } = await host.forward(PORT);
    await fetch(`${url}/rows`, { method: "POST", body: "first" });
    becomeVersion(join(host.root, "srv/ledger"), { version: "0.2.0", snapshot: true });
    // `install` of another version is an upgrade.
    expect(await install(host)).toMatchObject({ code: 0, json: { action: "upgrade", outcome: "done" } });
    expect(await untilAnswers(url)).toEqual({ version: "0.2.0", rows: 1 });
    becomeVersion(join(host.root, "srv/ledger"), { version: "0.3.0", behaviour: "crashes" });
    expect((await gantry(host, ["upgrade", "/srv/ledger"])).code).toBe(69);
    await host.reboot();
    expect(await untilAnswers(url)).toEqual({ version: "0.2.0", rows: 1 });
    expect(await gantry(host, ["rollback"])).toMatchObject({ code: 0, json: { outcome: "done" } });
    expect(await untilAnswers(url)).toEqual({ version: "0.1.0", rows: 1 });
    expect(await expectWhole(host)).toBe("0.1.0");
    expect(await gantry(host, ["uninstall", "--purge", "--yes"])).toMatchObject({ code: 0 });
  });
});

it("the sample app with a prepared copy's modules serves offline and after a reboot", async () => {
  const brain = copyRelease(scratch, "brain");
  execFileSync(join(brain, "gantry"), ["prepare"], { stdio: "pipe" });
  const host = await bootHost({ suite: "bookworm" });
  hosts.push(host);
  host.put(brain, "/srv/brain");
  host.write("/etc/brain/env", "BRAIN_TOKEN=a-token-of-the-tests\n", 0o600);
  const answer = await host.run(["/srv/brain/gantry", "install"]);
  expect(answer).toMatchObject({ code: 0 });
  const { url } = await host.forward(4680);
  const token = "a-token-of-the-tests";
  await exerciseBrain({ url, token });
  const authorization = `Bearer ${token}`;
  const note = await (await fetch(`${url}/notes/1`, { headers: { authorization } })).text();
  await host.reboot();
  await untilHealthy(url);
  await host.shell("/opt/brain/current/gantry status");
  expect(await (await fetch(`${url}/notes/1`, { headers: { authorization } })).text()).toBe(note);
  expect(note).toContain('"id":1');
});
