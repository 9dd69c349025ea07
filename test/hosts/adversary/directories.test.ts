/** The directory that root stands in, its parents, a home and a directory for temporary files that are the attacker's. */
import { ROUNDS } from "../../support/adversary/rounds.ts";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  bootArena,
  HOME,
  makeWorkshop,
  PATIENT,
  type Arena,
  type Workshop,
} from "../../support/adversary/arena.ts";
import { PLANT } from "../../support/adversary/plant.ts";

let workshop: Workshop;
let arena: Arena;

/** Commands of root's that end quickly and need no service. */
const QUICK = ["--version", "--help", "status", "doctor", "verify", "prepare", "health", "history"];

beforeAll(async () => {
  workshop = makeWorkshop();
  arena = await bootArena(workshop);
  await arena.host.shell("ln -s /srv/ledger/ledger /usr/local/bin/ledger");
  await arena.attacker(`${PLANT}
    umask 022
    plant ${HOME}/there
    plant ${HOME}/there/deep
    plant ${HOME}/there/deep/er
    mkdir -p ${HOME}/quiet/deep/er
    plant /tmp`);
});
afterEach(() => arena.reset());
afterAll(async () => {
  await arena?.remove();
  workshop?.dispose();
});

/** The whole path: her PATH may name a program of hers for this script too. */
const cold = "/bin/rm -rf /srv/ledger/node_modules";

describe("planted before", () => {
  it.each([
    ["the current directory and its parents", `cd ${HOME}/there/deep/er`],
    ["a directory of root's own in /tmp", `install -d -m 700 /tmp/roots && cd /tmp/roots`],
    ["a home", `cd / && export HOME=${HOME}/there/deep`],
    ["a directory for temporary files", `cd / && export TMPDIR=${HOME}/there`],
    ["a PATH with relative and empty entries", `cd ${HOME}/there && export PATH=:.:deep:$PATH:`],
    [
      "the old directory of a shell",
      `cd / && export OLDPWD=${HOME}/there PWD=${HOME}/there CDPATH=${HOME}/there`,
    ],
  ])("%s: no command of root's runs anything of it", async (_name, enter) => {
    for (const command of QUICK) {
      await arena.as(0, `${enter}; /srv/ledger/gantry ${command}`);
      expect({ command, won: await arena.won() }).toEqual({ command, won: [] });
    }
    const starts = await arena.as(
      0,
      `${enter}; ${cold}; umask 077; /srv/ledger/ledger migrate && /usr/local/bin/ledger migrate`,
    );
    expect(starts).toMatchObject({ code: 0 });
    expect(await arena.won()).toEqual([]);
  });
});

describe(`changed during ${ROUNDS} commands`, PATIENT, () => {
  const swapped = ["exchange", `${HOME}/there`, `${HOME}/quiet`] as const;

  it("the current directory and its parents", async () => {
    const { flips, codes } = await arena.race({
      attack: swapped,
      victim: `cd ${HOME}/there/deep/er; exec /srv/ledger/gantry --version`,
    });
    expect(flips).toBeGreaterThan(ROUNDS);
    expect(codes).toEqual({ 0: ROUNDS });
    expect(await arena.won()).toEqual([]);
  });

  it("the current directory of a cold start", async () => {
    const { flips, codes } = await arena.race({
      attack: swapped,
      victim: `${cold}/.gantry; cd ${HOME}/there/deep/er; exec /srv/ledger/ledger migrate`,
    });
    expect(flips).toBeGreaterThan(ROUNDS);
    expect(await arena.won()).toEqual([]);
    // Where the app writes its file may vanish under it; that is the app's own.
    expect(codes["0"]).toBeGreaterThan(0);
  });

  it("the home", async () => {
    const { flips, codes } = await arena.race({
      attack: swapped,
      victim: `export HOME=${HOME}/there/deep; cd /; exec /srv/ledger/gantry prepare`,
    });
    expect(flips).toBeGreaterThan(ROUNDS);
    expect(codes).toEqual({ 0: ROUNDS });
    expect(await arena.won()).toEqual([]);
  });

  it("each file that appears among her temporary files", async () => {
    await arena.attacker(`
      mkdir ${HOME}/drop ${HOME}/pool
      i=0; while [ $i -lt 256 ]; do ln -s ${HOME}/there ${HOME}/pool/$i; i=$((i + 1)); done`);
    const { codes } = await arena.race({
      attack: ["snatch", `${HOME}/drop`, `${HOME}/pool`],
      victim: `${cold}/.gantry; export TMPDIR=${HOME}/drop; cd /; exec /srv/ledger/gantry prepare`,
    });
    expect(codes).toEqual({ 0: ROUNDS });
    expect(await arena.won()).toEqual([]);
  });
});
