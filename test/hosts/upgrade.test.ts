/** A service that is upgraded, on a real host without a network: to good releases and to bad ones. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bootLedger, expectNoLoss, expectWhole } from "../support/systemd/ledger-host.ts";
import {
  buildLedger,
  gantry,
  makeKey,
  makeVersion,
  packRelease,
  releasesOf,
  sign,
  startTraffic,
  untilAnswers,
  type Key,
  type Traffic,
  type Version,
} from "../support/systemd/ledger.ts";
import type { SystemdHost } from "../support/systemd/systemd-host.ts";

let scratch = "";
let base = "";
let key: Key;

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "gantry-upgrade-"));
  base = buildLedger(scratch);
  key = makeKey(scratch);
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Puts a version into the host as a signed archive; returns its path there. */
function putArchive(host: SystemdHost, version: Version): string {
  const archive = packRelease(makeVersion(base, scratch, version));
  sign(archive, key.secret);
  for (const file of [archive, `${archive}.minisig`]) host.put(file, `/root/${basename(file)}`);
  return `/root/${basename(archive)}`;
}

const milliseconds = (value: number) => `${Math.round(value)} ms`;

describe("releases, good and bad", () => {
  let host: SystemdHost;
  let url = "";
  const all: Traffic[] = [];
  beforeAll(async () => {
    ({ host, url } = await bootLedger("bookworm", { base, scratch, version: { key } }));
  });
  afterAll(() => host?.remove());

  /** Upgrades under traffic; says how long nobody answered. */
  async function upgrade(archive: string) {
    const traffic = startTraffic(url);
    all.push(traffic);
    await sleep(300);
    const answer = await gantry(host, ["upgrade", archive]);
    await untilAnswers(url);
    await sleep(300);
    await traffic.stop();
    return { answer, traffic };
  }

  it("a good one serves after little more than a restart takes", async () => {
    const plain = startTraffic(url);
    all.push(plain);
    await sleep(300);
    await host.shell("systemctl restart ledger");
    await untilAnswers(url);
    await sleep(300);
    await plain.stop();
    const { answer, traffic } = await upgrade(putArchive(host, { version: "0.2.0", key }));
    expect(answer).toMatchObject({ code: 0, json: { action: "upgrade", outcome: "done" } });
    expect(traffic.versions()).toEqual(["0.1.0", "0.2.0"]);
    expect(await expectWhole(host)).toBe("0.2.0");
    await expectNoLoss(url, ...all);
    const [upgraded, restarted] = [traffic.handover(), plain.longestGap()];
    const ratio = (upgraded / restarted).toFixed(2);
    console.log(
      `downtime of an upgrade ${milliseconds(upgraded)}, of a plain restart ${milliseconds(restarted)}: ${ratio}`,
    );
  });

  it("its own command ran once as the service's user, who cannot write to the release", async () => {
    await gantry(host, ["install"]);
    const migrations = await host.shell("cat /var/lib/ledger/migrations");
    const uid = (await host.shell("id -u ledger")).trim();
    expect(uid).not.toBe("0");
    expect(migrations).toBe(`0.1.0 uid ${uid}\n0.2.0 uid ${uid}\n`);
    expect((await host.shell("find /opt/ledger ! -user root -o -perm /022 ! -type l")).trim()).toBe("");
  });

  it.each<[string, Version, string | undefined, number, RegExp]>([
    [
      "that crashes",
      { version: "0.3.0", behaviour: "crashes" },
      "SERVICE_UNHEALTHY",
      69,
      /exit status 7.*0\.2\.0 serves again/,
    ],
    [
      "that never gets healthy",
      { version: "0.3.1", behaviour: "is ill" },
      "SERVICE_UNHEALTHY",
      69,
      /answered 503.*0\.2\.0 serves again/,
    ],
    [
      "whose own command fails",
      { version: "0.3.2", behaviour: "cannot migrate" },
      "SERVICE_UNHEALTHY",
      69,
      /migrate.*exit status 3/,
    ],
    [
      "for another C library",
      { version: "0.3.3", target: "linux-x64-musl" },
      "LIBC_MISMATCH",
      69,
      /nothing was changed/,
    ],
    [
      "for another machine",
      { version: "0.3.4", target: "linux-arm64-gnu" },
      "HOST_UNSUPPORTED",
      69,
      /nothing was changed/,
    ],
  ])("one %s leaves the old one serving", async (_, version, code, exit, what) => {
    const before = releasesOf(host);
    const { answer, traffic } = await upgrade(putArchive(host, { key, ...version }));
    expect(answer).toMatchObject({ code: exit, json: { outcome: "failed", exit, findings: [{ code }] } });
    expect(answer.stderr.replaceAll("\n", " ")).toMatch(what);
    expect((await untilAnswers(url)).version).toBe("0.2.0");
    expect(await expectWhole(host)).toBe("0.2.0");
    expect(releasesOf(host)).toEqual(before);
    await expectNoLoss(url, ...all);
    console.log(
      `${version.behaviour ?? version.target}: nobody answered for ${milliseconds(traffic.longestGap())}`,
    );
  });

  it("quotes both journals when it went back", async () => {
    const answer = await gantry(host, [
      "upgrade",
      putArchive(host, { version: "0.3.5", behaviour: "crashes", key }),
    ]);
    expect(answer.stderr).toMatch(/0\.3\.5-[0-9a-f]{12} said:\n +this version crashes/);
    expect(answer.stderr).toMatch(/0\.2\.0-[0-9a-f]{12} says:\n[^]*ledger 0\.2\.0 listens/);
  });

  it("without the right signature, none of it is even unpacked", async () => {
    const good = putArchive(host, { version: "0.4.0", key });
    const before = await host.shell("systemctl show -p InvocationID ledger");
    const file = join(host.root, good);
    const bytes = readFileSync(file);
    bytes.writeUInt8((bytes.at(-9) ?? 0) ^ 1, bytes.length - 9);
    writeFileSync(file, bytes);
    const altered = await gantry(host, ["upgrade", good]);
    expect(altered).toMatchObject({ code: 65, json: { findings: [{ code: "SIGNATURE_INVALID" }] } });
    rmSync(`${file}.minisig`);
    const unsigned = await gantry(host, ["upgrade", good]);
    expect(unsigned).toMatchObject({ code: 65, json: { findings: [{ code: "SIGNATURE_INVALID" }] } });
    expect(unsigned.stderr).toContain(`${good}.minisig`);
    expect(await host.shell("systemctl show -p InvocationID ledger")).toBe(before);
    expect(await expectWhole(host)).toBe("0.2.0");
  });

  it("a snapshot is restored with the old one, and the failed one's data is kept", async () => {
    const archive = putArchive(host, {
      version: "0.5.0",
      behaviour: "is ill",
      snapshot: true,
      key,
    });
    const { rows } = await untilAnswers(url);
    const answer = await gantry(host, ["upgrade", archive]);
    expect(answer.code).toBe(69);
    expect(answer.stderr).toMatch(/0\.2\.0 serves again, with its data from before/);
    expect(await untilAnswers(url)).toEqual({ version: "0.2.0", rows });
    expect(await host.shell("cat /var/lib/ledger/starts /var/lib/ledger/migrations")).not.toContain("0.5.0");
    expect(await host.shell("cat /var/lib/gantry/ledger/replaced-data/starts")).toContain("0.5.0");
    expect(await expectWhole(host)).toBe("0.2.0");
  });

  it("goes back, and back again, with the data of the newer one", async () => {
    const { rows } = await untilAnswers(url);
    expect(await gantry(host, ["rollback", "--dry-run"])).toMatchObject({
      code: 0,
      json: { outcome: "planned" },
    });
    expect(await gantry(host, ["rollback"])).toMatchObject({
      code: 0,
      json: { action: "rollback", outcome: "done" },
    });
    expect(await untilAnswers(url)).toEqual({ version: "0.1.0", rows });
    expect(await gantry(host, ["rollback"])).toMatchObject({ code: 64 });
    expect(await gantry(host, ["rollback", "0.2.0"])).toMatchObject({ code: 0 });
    expect(await untilAnswers(url)).toEqual({ version: "0.2.0", rows });
  });

  it("remembers all of it", async () => {
    const { entries } = (await gantry(host, ["history"])).json as {
      entries: { action: string; outcome: string; code?: string; to: string | null }[];
    };
    const lines = entries.map(({ action, outcome, code, to }) =>
      [action, to?.split("-")[0] ?? "-", outcome, code ?? ""].join(" ").trim(),
    );
    expect(lines).toEqual([
      "install 0.1.0 done",
      "upgrade 0.2.0 done",
      "upgrade 0.3.0 went-back SERVICE_UNHEALTHY",
      "upgrade 0.3.1 went-back SERVICE_UNHEALTHY",
      "upgrade 0.3.2 failed SERVICE_UNHEALTHY",
      "upgrade 0.3.3 failed LIBC_MISMATCH",
      "upgrade 0.3.4 failed HOST_UNSUPPORTED",
      "upgrade 0.3.5 went-back SERVICE_UNHEALTHY",
      "upgrade - failed SIGNATURE_INVALID",
      "upgrade - failed SIGNATURE_INVALID",
      "upgrade 0.5.0 went-back SERVICE_UNHEALTHY",
      "rollback 0.1.0 done",
      "rollback 0.2.0 done",
    ]);
  });
});
