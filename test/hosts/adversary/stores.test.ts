/**
 * Modules that lie outside of their release: a store that the attacker owns, shares or links to root's, for root and for
 * another user. Her trees are real ones with one script changed, so that every stamp in them is as it should be.
 */
import { ROUNDS } from "../../support/adversary/rounds.ts";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  ALICE,
  bootArena,
  HOME,
  KIT,
  makeWorkshop,
  PATIENT,
  type Arena,
  type Workshop,
} from "../../support/adversary/arena.ts";

let workshop: Workshop;
let arena: Arena;

/** Her copy of a tree that a start made for her in `gantry`, with her own code in front of a module's. */
const FORGE = `
forge() {
  rm -rf "$1" && mkdir -p "$1" && GANTRY_STORE="$1" HOME=/nowhere /srv/fixed/ledger migrate
  for script in "$1"/gantry/*/node_modules/@node-rs/crc32/index.js; do
    cat ${KIT}/evil.cjs "$script" >"$script.new" && touch -r "$script" "$script.new" && mv "$script.new" "$script"
  done
  chmod -R a+rX "$1"
}
cd ${HOME}
`;

beforeAll(async () => {
  workshop = makeWorkshop();
  arena = await bootArena(workshop);
  // A release that nobody can write, root included: its modules have to lie elsewhere.
  await arena.host.shell(`
    mkdir /srv/fixed /srv/others && install -d -m 1777 /srv/shared
    mount --bind /srv/ledger /srv/fixed && mount -o remount,bind,ro /srv/fixed
    cd /root && GANTRY_STORE=/root/store /srv/fixed/ledger migrate
    mkdir -p /root/.cache && ln -s /root/store/gantry /root/.cache/gantry`);
  await arena.attacker(`${FORGE}
    forge ${HOME}/forged
    forge /srv/shared/store
    mkdir -p ${HOME}/.cache ${HOME}/state
    cp -a ${HOME}/forged/gantry ${HOME}/.cache/evil
    ln -s /root/store/gantry ${HOME}/.cache/gantry
    ln -s /root/store ${HOME}/store && ln -s ${HOME}/forged ${HOME}/other
    cp -a forged/gantry /srv/shared/gantry`);
});
afterEach(() => arena.reset());
afterAll(async () => {
  await arena?.remove();
  workshop?.dispose();
});

const start = (variables: string) => `cd / && export ${variables} && exec /srv/fixed/ledger migrate`;
const VARIABLES = ["GANTRY_STORE", "STATE_DIRECTORY", "CACHE_DIRECTORY", "XDG_CACHE_HOME"];

it("the forged tree is one that her own start runs", async () => {
  await arena
    .attacker(`touch /var/proof/before; ${start(`GANTRY_STORE=${HOME}/forged HOME=/nowhere`)}`)
    .catch(() => "");
  expect(await arena.host.shell(`find /var/proof -name 'script-${2001}-*'`)).toContain("script-2001-");
});

describe.each([
  ["root", 0],
  ["another user", ALICE],
] as const)("%s starts with", (_name, uid) => {
  it.each(VARIABLES)("%s in a directory of hers, one for everybody, or a link to it", async (variable) => {
    for (const place of [`${HOME}/forged`, "/srv/shared", "/srv/shared/store", `${HOME}/other`]) {
      await arena.as(uid, start(`HOME=/nowhere ${variable}=${place}`));
      expect({ place, won: await arena.won() }).toEqual({ place, won: [] });
    }
  });

  it("a home of hers", async () => {
    for (const place of [HOME, "/srv/shared"]) {
      await arena.as(uid, start(`HOME=${place}`));
      expect({ place, won: await arena.won() }).toEqual({ place, won: [] });
    }
  });
});

describe(`root's starts with a link that changes, ${ROUNDS} of them`, PATIENT, () => {
  it("~/.cache/gantry, now root's store and now hers", async () => {
    const { flips } = await arena.race({
      attack: ["exchange", `${HOME}/.cache/gantry`, `${HOME}/.cache/evil`],
      victim: start(`HOME=${HOME}`),
    });
    expect(flips).toBeGreaterThan(ROUNDS);
    expect(await arena.won()).toEqual([]);
  });

  it("the place that a variable names, each of the four in turn", async () => {
    const { flips } = await arena.race({
      attack: ["exchange", `${HOME}/store`, `${HOME}/other`],
      victim: `case $((round % 4)) in ${VARIABLES.map((name, at) => `${at}) export ${name}=${HOME}/store ;;`).join(" ")} esac
        ${start("HOME=/nowhere")}`,
    });
    expect(flips).toBeGreaterThan(ROUNDS);
    expect(await arena.won()).toEqual([]);
  });

  it("each tree that appears in a directory for everybody", async () => {
    await arena.attacker(`
      mkdir -p ${HOME}/pool
      i=0; while [ $i -lt 256 ]; do ln -sfn ${HOME}/forged/gantry ${HOME}/pool/$i; i=$((i + 1)); done
      rm -rf /srv/shared/gantry; install -d -m 777 /srv/shared/open`);
    await arena.race({
      attack: ["snatch", "/srv/shared/open", `${HOME}/pool`],
      victim: `rm -rf /srv/shared/open/gantry; ${start("HOME=/nowhere GANTRY_STORE=/srv/shared/open")}`,
    });
    expect(await arena.won()).toEqual([]);
  });
});

it("a store of root's own is used as well, silently once it is filled", async () => {
  const started = await arena.as(0, start("HOME=/nowhere GANTRY_STORE=/root/store"));
  expect(started).toEqual({ code: 0, said: "" });
});
