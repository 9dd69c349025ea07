/**
 * Can the attacker of these tests win at all? A script that looks before it runs what it looked at, as careless ones do,
 * loses to her within a few rounds, and each of her payloads leaves its proof. Without this, no win would prove nothing.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  bootArena,
  HOME,
  KIT,
  makeWorkshop,
  PATIENT,
  type Arena,
  type Workshop,
} from "../../support/adversary/arena.ts";

/** She wins about one round in eight. */
const CONTROL_ROUNDS = 200;

let workshop: Workshop;
let arena: Arena;

beforeAll(async () => {
  workshop = makeWorkshop();
  arena = await bootArena(workshop);
});
afterEach(() => arena.reset());
afterAll(async () => {
  await arena?.remove();
  workshop?.dispose();
});

describe("a careless script loses", PATIENT, () => {
  it("when it checks a link's target, and runs what the link names then", async () => {
    await arena.host.shell(
      "install -d /srv/good && printf '#!/bin/sh\\n' >/srv/good/run && chmod 755 /srv/good/run",
    );
    await arena.attacker(`
      mkdir -p ${HOME}/bad && cp ${KIT}/evil.sh ${HOME}/bad/run
      ln -s /srv/good ${HOME}/place && ln -s ${HOME}/bad ${HOME}/other`);
    const { flips } = await arena.race({
      rounds: CONTROL_ROUNDS,
      attack: ["exchange", `${HOME}/place`, `${HOME}/other`],
      victim: `[ "$(stat -L -c %u ${HOME}/place/run)" = 0 ] && ${HOME}/place/run`,
    });
    expect(flips).toBeGreaterThan(1000);
    expect(await arena.won()).toContainEqual(expect.stringMatching(/^ran as uid 0: shell-/));
  });

  it("when it makes a file in her directory, and runs it by its name", async () => {
    await arena.attacker(`
      mkdir ${HOME}/drop ${HOME}/pool
      i=0; while [ $i -lt 256 ]; do cp ${KIT}/evil.sh ${HOME}/pool/$i; i=$((i + 1)); done`);
    const { flips } = await arena.race({
      rounds: CONTROL_ROUNDS,
      attack: ["snatch", `${HOME}/drop`, `${HOME}/pool`],
      victim: `file=$(mktemp ${HOME}/drop/XXXXXX); echo true >$file; sleep 0.002; sh $file`,
    });
    expect(flips).toBeGreaterThan(10);
    expect(await arena.won()).toContainEqual(expect.stringMatching(/^ran as uid 0: shell-/));
  });
});

it.each([
  ["a program", `${KIT}/evil`],
  ["a shell script", `sh ${KIT}/evil.sh`],
  ["a library", `LD_PRELOAD=${KIT}/evil.so /bin/true`],
  ["JavaScript", `BUN_BE_BUN=1 /srv/ledger/lib/ledger ${KIT}/evil.js`],
  ["TypeScript", `BUN_BE_BUN=1 /srv/ledger/lib/ledger ${KIT}/evil.ts`],
  ["a native module", `BUN_BE_BUN=1 /srv/ledger/lib/ledger -e 'require("${KIT}/evil.so.node")'`],
])("%s of hers leaves its proof when root runs it", async (_name, command) => {
  await arena.host.shell(`cp -n ${KIT}/evil.so ${KIT}/evil.so.node; ${command} || true`);
  expect(await arena.won()).toContainEqual(expect.stringMatching(/^ran as uid 0: /));
});

it("a secret that she can read and a file of root's that changed are wins too", async () => {
  await arena.host.shell("cp /root/secret /opt/copy && chmod 644 /opt/copy && echo x >>/etc/hostname");
  expect(await arena.won()).toEqual(["changed: /etc/hostname: FAILED", "readable: /opt/copy"]);
});
