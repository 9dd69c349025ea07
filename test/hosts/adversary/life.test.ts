/**
 * The whole life of a service, each command in the worst surroundings that a person's root shell can have: the attacker's
 * directory, home, temporary files and variables, a PATH with relative entries, a umask of 000.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { tar, type Fields } from "../../support/archive/tar-writer.ts";
import { makeVersion, packRelease } from "../../support/systemd/ledger.ts";
import { bootArena, HOME, makeWorkshop, type Arena, type Workshop } from "../../support/adversary/arena.ts";
import { PLANT, VARIABLES } from "../../support/adversary/plant.ts";

let workshop: Workshop;
let arena: Arena;

/** Archives that no key speaks for, and that would leave something of root's in /var/proof, a device or a setuid file. */
const BAD: readonly (readonly Fields[])[] = [
  [{ name: "app/../../../../../../../var/proof/out", data: "x" }],
  [{ name: "/var/proof/absolute", data: "x" }],
  [
    { name: "app/l", type: "2", link: "/var/proof" },
    { name: "app/l/through", data: "x" },
  ],
  [{ name: "app/l", type: "1", link: "/root/secret" }],
  [{ name: "app/d", type: "3" }],
  [{ name: "app/su", mode: 0o4755, data: "x" }],
];

beforeAll(async () => {
  workshop = makeWorkshop();
  arena = await bootArena(workshop);
  for (const version of ["0.2.0", "0.3.0"]) {
    const release = makeVersion(workshop.base, workshop.scratch, { version, snapshot: true });
    arena.host.put(packRelease(release), `/srv/ledger-${version}.tar.zst`);
  }
  arena.host.put(
    makeVersion(workshop.base, workshop.scratch, { version: "0.4.0", behaviour: "crashes" }),
    "/srv/ill",
  );
  for (const [at, fields] of BAD.entries()) {
    const file = join(workshop.scratch, `bad-${at}.tar`);
    writeFileSync(file, tar(...fields));
    arena.host.put(file, `/srv/bad-${at}.tar`);
  }
  await arena.attacker(`${PLANT}
    umask 022
    plant ${HOME}/there && plant ${HOME}/there/deep && plant /tmp`);
});
afterAll(async () => {
  await arena?.remove();
  workshop?.dispose();
});

const variables = Object.entries(VARIABLES).map(([name, value]) => `export ${name}='${value}'`);
const SURROUNDINGS = [
  `cd ${HOME}/there/deep`,
  ...variables,
  `export HOME=${HOME}/there XDG_CONFIG_HOME=${HOME}/there/.config TMPDIR=${HOME}/there PATH=:.:deep:$PATH:`,
  "umask 000",
].join("; ");

const CURRENT = "/opt/ledger/current/gantry";

const STEPS: readonly (readonly [command: string, code: number])[] = [
  ["/srv/ledger/gantry install --dry-run", 0],
  ["/srv/ledger/setup.sh", 0],
  [`${CURRENT} install`, 0],
  [`${CURRENT} status`, 0],
  [`${CURRENT} health`, 0],
  [`${CURRENT} doctor`, 0],
  [`${CURRENT} verify`, 0],
  [`${CURRENT} upgrade /srv/ledger-0.2.0.tar.zst`, 0],
  [`${CURRENT} upgrade /srv/ill`, 69],
  [`${CURRENT} upgrade --dry-run /srv/ledger-0.3.0.tar.zst`, 0],
  [`${CURRENT} upgrade /srv/ledger-0.3.0.tar.zst`, 0],
  ...BAD.map((_fields, at) => [`${CURRENT} upgrade /srv/bad-${at}.tar`, 65] as const),
  [`${CURRENT} rollback`, 0],
  [`${CURRENT} history`, 0],
  [`${CURRENT} clean --keep 1`, 0],
  [`${CURRENT} recover`, 0],
  [`${CURRENT} recover --boot`, 0],
  [`${CURRENT} verify --repair`, 0],
  [`${CURRENT} prepare`, 0],
  [`${CURRENT} --help`, 0],
  [`${CURRENT} --version`, 0],
  [`${CURRENT} nonsense`, 64],
  [`${CURRENT} uninstall --dry-run`, 0],
  [`${CURRENT} uninstall`, 0],
  ["/srv/ledger/gantry install", 0],
  [`${CURRENT} uninstall --purge --yes`, 0],
];

it.each(STEPS)("%s ends with %i, and she has nothing", async (command, code) => {
  const ran = await arena.as(0, `${SURROUNDINGS}; ${command}`);
  expect(ran).toMatchObject({ code });
  expect(await arena.won()).toEqual([]);
  const open = "find /opt /etc /var/lib/gantry /var/lib/ledger -perm -002 ! -type l 2>/dev/null; true";
  expect(await arena.host.shell(open)).toBe("");
});
