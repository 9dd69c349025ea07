/**
 * Releases that somebody else can change in one place: a file, a directory, an access list, an owner. Root runs none of
 * it, cold or warm, nor by `sudo` from the home of the person who called it; where nobody else can change it, it works.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  ALICE,
  bootArena,
  HOME,
  KIT,
  makeWorkshop,
  MALLORY,
  type Arena,
  type Workshop,
} from "../../support/adversary/arena.ts";

let workshop: Workshop;
let arena: Arena;

beforeAll(async () => {
  workshop = makeWorkshop();
  arena = await bootArena(workshop);
  await arena.host.shell(`
    cd / && /srv/ledger/gantry prepare
    cp -a /srv/ledger /home/alice/ledger && chown -R alice: /home/alice/ledger`);
});
afterEach(async () => {
  await arena.reset();
  await arena.host.shell("rm -rf /srv/try /home/alice/try");
});
afterAll(async () => {
  await arena?.remove();
  workshop?.dispose();
});

const SCRIPT = "node_modules/@node-rs/crc32/index.js";

/** How the attacker came to a file of a release: each leaves her code in it, or in reach. */
const WAYS: readonly (readonly [name: string, script: string])[] = [
  [
    "a script of a module belongs to her",
    `chown mallory ${SCRIPT}; as_her "cat ${KIT}/evil.cjs >>${SCRIPT}"`,
  ],
  ["everybody may write a script", `chmod 666 ${SCRIPT}; as_her "cat ${KIT}/evil.cjs >>${SCRIPT}"`],
  [
    "her group may write a script",
    `chgrp mallory ${SCRIPT}; chmod 664 ${SCRIPT}; as_her "cat ${KIT}/evil.cjs >>${SCRIPT}"`,
  ],
  [
    "a directory of modules is open",
    `chmod 777 node_modules/@node-rs/crc32; as_her "cat ${SCRIPT} ${KIT}/evil.cjs >${SCRIPT}.new; mv -f ${SCRIPT}.new ${SCRIPT}"`,
  ],
  [
    "node_modules belongs to her",
    `chown mallory node_modules; as_her "mv node_modules/@node-rs node_modules/.old; cp -a node_modules/.old node_modules/@node-rs; cat ${KIT}/evil.cjs >>${SCRIPT}"`,
  ],
  [
    "the launcher belongs to her",
    `chown mallory lib/launcher.mjs; as_her "cat ${KIT}/evil.js lib/launcher.mjs >/tmp/l; cat /tmp/l >lib/launcher.mjs"`,
  ],
  [
    "the program is open",
    `cp lib/ledger x; mv x lib/ledger; chmod 777 lib/ledger; as_her "cat ${KIT}/evil >lib/ledger"`,
  ],
  ["lib is open", `chmod 777 lib; as_her "cp ${KIT}/evil lib/x; mv -f lib/x lib/ledger"`],
];

const AS_HER = `as_her() { setpriv --reuid=${MALLORY} --regid=${MALLORY} --clear-groups sh -c "$1"; }`;

describe("root runs nothing of a release where", () => {
  it.each(WAYS)("%s", async (_name, script) => {
    const planted = await arena.as(
      0,
      `${AS_HER}; cp -a /srv/ledger /srv/try && cd /srv/try && { ${script}; }`,
    );
    expect(planted).toMatchObject({ code: 0 });
    for (const command of [
      "gantry --version",
      "gantry status",
      "gantry verify",
      "gantry prepare",
      "ledger migrate",
    ]) {
      await arena.as(0, `cd / && /srv/try/${command}`);
      expect({
        command,
        won: await arena.won().then((won) => won.filter((line) => line.startsWith("ran"))),
      }).toEqual({ command, won: [] });
    }
  });
});

const sudo = (command: string, who = ALICE) =>
  `cd /home/alice/try && export SUDO_UID=${who} SUDO_GID=${who} SUDO_USER=alice && ${command}`;

describe("sudo from the home of the person who calls it", () => {
  it.each(WAYS)("runs nothing where %s", async (_name, script) => {
    const planted = await arena.as(
      0,
      `${AS_HER}; cp -a /home/alice/ledger /home/alice/try && cd /home/alice/try && { ${script}; }`,
    );
    expect(planted).toMatchObject({ code: 0 });
    for (const command of [
      "./gantry --version",
      "./gantry install --dry-run",
      "./gantry install",
      "./gantry verify",
    ]) {
      const { code } = await arena.as(0, sudo(command));
      expect({
        command,
        won: await arena.won().then((won) => won.filter((line) => line.startsWith("ran"))),
      }).toEqual({ command, won: [] });
      expect(code).not.toBe(0);
    }
  });

  it("is refused for a third person's release, as it is without SUDO_UID", async () => {
    await arena.host.shell("cp -a /home/alice/ledger /home/alice/try");
    expect((await arena.as(0, sudo("./gantry --version", MALLORY))).code).not.toBe(0);
    expect((await arena.as(0, "cd /home/alice/try && ./gantry --version")).code).not.toBe(0);
    await arena.attacker(`cp -a /srv/ledger ${HOME}/ledger`);
    expect((await arena.as(0, `export SUDO_UID=${ALICE}; ${HOME}/ledger/gantry --version`)).code).not.toBe(0);
  });

  it("works where the files are theirs, and what is installed is root's alone", async () => {
    await arena.host.shell("cp -a /home/alice/ledger /home/alice/try");
    const installed = await arena.as(0, sudo("./gantry install"));
    expect(installed).toMatchObject({ code: 0 });
    expect(await arena.host.shell("find /opt/ledger ! -uid 0 -o -perm /022 ! -type l")).toBe("");
    const upgraded = await arena.as(0, sudo("./gantry upgrade /home/alice/try"));
    expect(upgraded).toMatchObject({ code: 0 });
    expect(
      await arena.host.shell("/opt/ledger/current/gantry uninstall --purge --yes >/dev/null && ls -A /opt"),
    ).toBe("");
  });
});
