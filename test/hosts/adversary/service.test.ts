/**
 * The places of a service: directories in /opt, /etc and /var that the attacker had before, and the data, which belongs
 * to the service's user, who may be hers by now.
 */
import { ROUNDS } from "../../support/adversary/rounds.ts";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { gantry, makeVersion } from "../../support/systemd/ledger.ts";
import {
  bootArena,
  GONE,
  HOME,
  KIT,
  makeWorkshop,
  PATIENT,
  type Arena,
  type Workshop,
} from "../../support/adversary/arena.ts";

let workshop: Workshop;
let arena: Arena;

beforeAll(async () => {
  workshop = makeWorkshop();
  arena = await bootArena(workshop);
  arena.host.write(
    "/etc/systemd/system/ledger.service.d/proof.conf",
    "[Service]\nReadWritePaths=/var/proof\n",
  );
});
afterEach(() => arena.reset());
afterAll(async () => {
  await arena?.remove();
  workshop?.dispose();
});

const ran = async () => (await arena.won()).filter((line) => !line.startsWith("hers now"));

/** What others own or may write after an installation, which is then removed. */
async function leftAfterInstall(): Promise<string> {
  const places = "/opt/ledger /opt/ledger/ /etc/ledger/ /var/lib/gantry/";
  const left = await arena.host.shell(`find ${places} -uid 2001 -o -perm -002 ! -type l`);
  const { code, said } = await arena.as(0, "cd / && /opt/ledger/current/gantry uninstall --purge --yes");
  return code === 0 ? left : said;
}

describe("a place that was hers before the installation is refused, or is root's after it:", () => {
  it.each([
    ["/opt/ledger", "install -d -o mallory /opt/ledger"],
    ["/opt/ledger/releases", "install -d /opt/ledger && install -d -o mallory /opt/ledger/releases"],
    ["/opt/ledger, open to everybody", "install -d -m 777 /opt/ledger /opt/ledger/releases"],
    ["/opt/ledger, a link", `install -d -o mallory ${HOME}/opt && ln -s ${HOME}/opt /opt/ledger`],
    [
      "/etc/ledger",
      `install -d -o mallory /etc/ledger && printf 'LD_PRELOAD=/srv/evil.so\\n' >/etc/ledger/env && chown mallory /etc/ledger/env`,
    ],
    ["/etc/ledger, a link", `install -d -o mallory ${HOME}/etc && ln -s ${HOME}/etc /etc/ledger`],
    ["/etc/ledger/env, a link", "install -d /etc/ledger && ln -s /root/secret /etc/ledger/env"],
    ["/var/lib/gantry", "install -d -o mallory /var/lib/gantry /var/lib/gantry/ledger"],
    ["/var/lib/gantry/ledger", "install -d /var/lib/gantry && install -d -m 777 /var/lib/gantry/ledger"],
    ["/var/lib/ledger, a link", "ln -s /root /var/lib/ledger"],
  ])("%s", async (_name, plant) => {
    await arena.host.shell(`${GONE}; cp ${KIT}/evil.so /srv/evil.so; chmod 755 /srv/evil.so; ${plant}`);
    const installed = await arena.as(0, "cd / && /srv/ledger/gantry install");
    expect(await ran()).toEqual([]);
    // Refused with a way out; or installed, with nothing left in her hands, and removed again.
    const refused = /^gantry: [A-Z_]+: [^]*\n {2}fix {3}/m.test(installed.said);
    const left = installed.code === 0 ? await leftAfterInstall() : refused ? "" : installed.said;
    expect(left).toBe("");
    expect(await arena.host.shell("cat /root/secret; stat -c %U:%a /root")).toContain("root:700");
    await arena.host.shell(GONE);
  });
});

describe(`changed during ${ROUNDS} installations`, PATIENT, () => {
  it("each directory that root makes in an /opt/ledger that is hers", async () => {
    await arena.host.shell(`${GONE}; install -d -o mallory /opt/ledger`);
    await arena.attacker(`
      mkdir /opt/ledger/releases && cd /opt/ledger/releases
      i=0; while [ $i -lt 256 ]; do
        mkdir -p $i/release && for file in gantry ledger release/gantry; do cp ${KIT}/evil.sh $i/$file; done
        i=$((i + 1))
      done; chmod -R 755 .`);
    await arena.race({
      attack: ["snatch", "/opt/ledger/releases", "/opt/ledger/releases", "500"],
      victim: "cd / && exec /srv/ledger/gantry install",
    });
    expect(await ran()).toEqual([]);
  });

  it("the settings of an /etc/ledger that is hers", async () => {
    await arena.host.shell(`${GONE}; install -d -o mallory /etc/ledger`);
    await arena.attacker("cd /etc/ledger && touch env && ln -s /root/secret other");
    const { flips } = await arena.race({
      attack: ["exchange", "/etc/ledger/env", "/etc/ledger/other"],
      victim: "cd / && exec /srv/ledger/gantry install",
    });
    expect(flips).toBeGreaterThan(ROUNDS);
    expect(await ran()).toEqual([]);
  });
});

describe("the data of a service whose user is hers", PATIENT, () => {
  let user = 0;
  const as = async (script: string) => {
    const { code, said } = await arena.as(user, `cd /var/lib/ledger && ${script}`);
    if (code !== 0) throw new Error(`${script}: ${said}`);
  };

  it("when upgrades fail, no link in it is followed and no secret is written to it", async () => {
    // Data on a file system of its own, as on many servers: it cannot be renamed.
    await arena.host.shell(`${GONE}
      mkdir -p /var/lib/ledger && mount -t tmpfs none /var/lib/ledger
      echo keep >/srv/keep && chmod 600 /srv/keep && install -d /srv/kept && echo keep >/srv/kept/file`);
    expect(await gantry(arena.host, ["install"], "/srv/ledger")).toMatchObject({ code: 0 });
    user = Number(await arena.host.shell("id -u ledger"));
    await as(`
      ln -s /srv/keep keep; ln -s /root/secret secret; ln -s /srv/kept kept; ln -s / slash; mkfifo fifo
      mkdir deep deep/a deep/b && echo mine >deep/a/file && ln -s /srv/kept deep/link
      i=0; while [ $i -lt ${ROUNDS} ]; do i=$((i + 1)); mkdir d$i && echo hers >d$i/file; ln -s /srv/kept l$i; echo hers >f$i; ln -s /srv/keep k$i; done`);
    const pairs = Array.from({ length: ROUNDS }, (_, at) => [
      `d${at + 1}`,
      `l${at + 1}`,
      `f${at + 1}`,
      `k${at + 1}`,
    ]).flat();
    arena.host.put(
      makeVersion(workshop.base, workshop.scratch, {
        version: "0.2.0",
        behaviour: "crashes",
        snapshot: true,
      }),
      "/srv/ill",
    );
    for (let round = 0; round < 3; round += 1) {
      const flipping = arena.as(
        user,
        `cd /var/lib/ledger && exec timeout 20 /usr/local/bin/flip exchange /dev/null ${pairs.join(" ")}`,
      );
      const { code } = await arena.as(0, "cd / && /opt/ledger/current/gantry upgrade /srv/ill");
      await flipping;
      // It went back, or did not begin because she does not let go of her data.
      expect(code).not.toBe(0);
    }
    expect(
      await arena.host.shell("cat /srv/keep /srv/kept/file; stat -c %U:%a /srv/keep; ls /srv/kept"),
    ).toBe("keep\nkeep\nroot:600\nfile\n");
    const read = await arena.as(
      user,
      "grep -rsl root-keeps-this /var/lib/ledger /var/lib/gantry /opt /etc /tmp /var/tmp; true",
    );
    expect(read.said).toBe("");
    expect(await ran()).toEqual([]);
    expect(await arena.host.shell("find /etc /root /usr /opt -uid $(id -u ledger)")).toBe("");
  });

  it("is removed by a purge that follows none of its links", async () => {
    const purged = await arena.as(0, "cd / && /opt/ledger/current/gantry uninstall --purge --yes");
    expect(`${purged.code} ${purged.said}`).toMatch(/^(?:0|73|74) /);
    expect(await arena.host.shell("cat /srv/keep /srv/kept/file /root/secret | wc -l")).toBe("3\n");
  });
});
