/** The service's data while it is copied and put back: by its user, who may be an attacker, and around mounts. */
import { lstatSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { bootLedger, expectWhole } from "../support/systemd/ledger-host.ts";
import { becomeVersion, buildLedger, gantry, untilAnswers } from "../support/systemd/ledger.ts";
import type { SystemdHost } from "../support/systemd/systemd-host.ts";

let scratch = "";
let base = "";
let host: SystemdHost;
let url = "";
let number = 0;

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "gantry-data-"));
  base = buildLedger(scratch);
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Upgrades to a release that is given up, so that the data is put back. */
async function failedUpgrade() {
  number += 1;
  const version = `0.3.${number}`;
  becomeVersion(join(host.root, "root/ledger"), { version, behaviour: "is ill", snapshot: true });
  const answer = await gantry(host, ["upgrade", "/root/ledger"]);
  return { version, answer };
}

/** Starts a script of the service's user outside of any unit, as somebody who broke into it could. */
async function attack(script: string): Promise<void> {
  await host.shell(`setpriv --reuid=ledger --regid=ledger --clear-groups setsid sh -c '${script}' \
    </dev/null >/dev/null 2>&1 &`);
}

/** Numbers of the processes of the service's user that are not its unit's. */
const INTRUDERS = `for one in $(grep -lsE "^Uid:.*[[:space:]]$(id -u ledger)[[:space:]]" /proc/[0-9]*/status | cut -d/ -f3); do
  grep -qs ledger.service /proc/$one/cgroup || echo $one; done`;
const EVERYTHING = "cd /var/lib/ledger && find . -printf '%p %y %m %U:%G %s %n %l\\n' | sort";

/** Waits until the copy of the data is made, in which `rows` lies. */
async function untilSnapshot(): Promise<void> {
  const copy = join(host.root, "var/lib/gantry/ledger/snapshot/rows");
  for (const limit = performance.now() + 60_000; performance.now() < limit; await sleep(5))
    if (lstatSync(copy, { throwIfNoEntry: false }) !== undefined) return;
  throw new Error("the data was not copied");
}

describe.each([
  ["in a directory", ""],
  [
    "on a disk of its own",
    "mount -t tmpfs -o mode=0755 none /var/lib/ledger && mkdir /var/lib/ledger/lost+found",
  ],
])("data %s", (_, prepare) => {
  beforeAll(async () => {
    ({ host, url } = await bootLedger("bookworm", { base, scratch }));
    if (prepare !== "") {
      await host.shell(`systemctl stop ledger; ${prepare}; chmod 700 /var/lib/ledger/lost+found 2>/dev/null
        chown -h ledger:ledger /var/lib/ledger/. 2>/dev/null; systemctl start ledger`);
    }
    await untilAnswers(url);
    for (let row = 0; row < 5; row += 1) await fetch(`${url}/rows`, { method: "POST", body: `row${row}` });
    // What a copy could lose: names, links of both kinds, holes, modes, and what opens only with a writer.
    await host.shell(`cd /var/lib/ledger && setpriv --reuid=ledger --regid=ledger --clear-groups sh -c '
      mkdir -p "a b/c" && echo x > "a b/c/$(printf "\\\\377\\\\n")" && ln "a b/c"/* hard && ln -s /etc/shadow soft
      mkfifo fifo; truncate -s 5M holes; echo secret > closed; chmod 600 closed; chmod 751 "a b"'`);
  });
  afterAll(() => host?.remove());
  afterEach(async () => {
    await host.shell(`for pid in $(${INTRUDERS}); do kill -9 $pid; done`);
  });

  it("comes back whole, and is the user's", async () => {
    const before = await host.shell(`${EVERYTHING} | grep -v -e starts -e migrations -e '^. '`);
    const running = failedUpgrade();
    await untilSnapshot();
    // What the new one leaves may be closed to its own user.
    await host.shell(`cd /var/lib/ledger && setpriv --reuid=ledger --regid=ledger --clear-groups sh -c '
      mkdir -p shut/in && echo x > shut/in/unreadable && chmod 000 shut/in/unreadable && chmod 500 shut/in shut'`);
    const { answer, version } = await running;
    expect(answer.code).toBe(69);
    expect(answer.stderr).toMatch(/0\.1\.0 serves again, with its data from before/);
    expect(await untilAnswers(url)).toEqual({ version: "0.1.0", rows: 5 });
    expect(await host.shell(`${EVERYTHING} | grep -v -e starts -e migrations -e '^. '`)).toBe(before);
    expect(
      await host.shell("cat /var/lib/ledger/starts /var/lib/ledger/migrations 2>/dev/null || true"),
    ).not.toContain(version);
    expect(
      await host.shell("cd /var/lib/gantry/ledger/replaced-data && cat starts shut/in/unreadable"),
    ).toMatch(`${version}\nx\n`);
    expect(Number(await host.shell("du -k /var/lib/ledger/holes | cut -f1"))).toBeLessThan(100);
    expect(await expectWhole(host)).toBe("0.1.0");
    expect(await host.shell("ls -A /run/systemd/system; ls /run | grep ^gantry || true")).toBe("");
  });

  it("is not copied while its user has another process, which is named", async () => {
    await attack("exec sleep 300");
    expect(await host.shell(INTRUDERS)).not.toBe("");
    const run = await host.shell("systemctl show -p InvocationID ledger");
    const { answer } = await failedUpgrade();
    expect(answer.stderr).toMatch(
      /LOCK_TIMEOUT: processes of the service's user[^]*\(sleep\)[^]*fix {3}end them/,
    );
    expect(answer.code).toBe(75);
    expect(await host.shell("systemctl show -p InvocationID ledger")).toBe(run);
    expect(await expectWhole(host)).toBe("0.1.0");
  });

  it("links that its user makes while it is put back lead root nowhere", async () => {
    await host.shell("rm -f /etc/victim; echo untouched > /etc/victim; chmod 600 /etc/victim");
    // Begins once the copy is made, and makes a link of whatever name is put back.
    const names = "rows starts closed hard holes";
    const running = failedUpgrade();
    await untilSnapshot();
    await attack(
      `cd /var/lib/ledger; while :; do for name in ${names}; do ln -sf /etc/victim /var/lib/ledger/$name; done; done`,
    );
    expect(await host.shell(INTRUDERS)).not.toBe("");
    const { answer } = await running;
    expect(answer.code).toBe(69);
    expect(readFileSync(join(host.root, "etc/victim"), "utf8")).toBe("untouched\n");
    expect(await untilAnswers(url)).toEqual({ version: "0.1.0", rows: 5 });
    expect(await host.shell(INTRUDERS)).toBe("");
    expect(await expectWhole(host)).toBe("0.1.0");
  });
});

describe("data with something of others in it", () => {
  beforeAll(async () => {
    ({ host, url } = await bootLedger("trixie", { base, scratch }));
  });
  afterAll(() => host?.remove());

  it("a mount inside is named before anything is stopped", async () => {
    await host.shell(`mkdir -p /srv/blobs "/var/lib/ledger/the blobs"; echo precious > /srv/blobs/one
      mount --bind /srv/blobs "/var/lib/ledger/the blobs"`);
    const run = await host.shell("systemctl show -p InvocationID ledger");
    const { answer } = await failedUpgrade();
    expect(answer.code).toBe(78);
    expect(answer.stderr).toMatch(/mounted inside it, at \/var\/lib\/ledger\/the blobs[^]*fix {3}umount/);
    expect(await host.shell("systemctl show -p InvocationID ledger; cat /srv/blobs/one")).toBe(
      `${run}precious\n`,
    );
    await host.shell('umount "/var/lib/ledger/the blobs"');
    expect(await expectWhole(host)).toBe("0.1.0");
  });

  it("a file that its user may not read is named, and the old version serves on", async () => {
    await host.shell("echo root > /var/lib/ledger/of-root; chmod 600 /var/lib/ledger/of-root");
    const { answer } = await failedUpgrade();
    expect(answer.code).toBe(74);
    expect(answer.stderr).toMatch(
      /IO_FAILED: the data of ledger could not be copied[^]*of-root[^]*Permission denied/,
    );
    expect(answer.stderr).toMatch(/fix {3}.*chown -R \d+:\d+ \/var\/lib\/ledger/);
    expect((await untilAnswers(url)).version).toBe("0.1.0");
    await host.shell("rm /var/lib/ledger/of-root");
    expect(await expectWhole(host)).toBe("0.1.0");
  });

  it("a disk that is full leaves the data and the old version", async () => {
    await host.shell(
      "setpriv --reuid=ledger --regid=ledger --clear-groups sh -c 'head -c 30000000 /dev/urandom > /var/lib/ledger/big'",
    );
    await host.shell(
      "cp -a /var/lib/gantry/ledger /root/state && mount -t tmpfs -o size=20m,mode=0700 none /var/lib/gantry/ledger && cp -a /root/state/. /var/lib/gantry/ledger/",
    );
    const { answer } = await failedUpgrade();
    expect(answer.code).toBe(73);
    expect(answer.stderr).toMatch(/DISK_FULL: the data of ledger could not be copied/);
    expect((await untilAnswers(url)).version).toBe("0.1.0");
    expect(
      await host.shell(
        "stat -c %s /var/lib/ledger/big; ls /var/lib/gantry/ledger | grep -c snapshot || true",
      ),
    ).toBe("30000000\n0\n");
    await host.shell("umount /var/lib/gantry/ledger");
    expect(await expectWhole(host)).toBe("0.1.0");
  });
});
