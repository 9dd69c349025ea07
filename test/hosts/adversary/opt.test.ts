/**
 * A directory of a service in /opt that is the attacker's, before the installation and after it: each command of root's
 * refuses to work in it, runs nothing of hers, and prints one command after which nothing of hers is in the way.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { makeVersion } from "../../support/systemd/ledger.ts";
import {
  bootArena,
  GONE,
  HOME,
  KIT,
  makeWorkshop,
  type Arena,
  type Workshop,
} from "../../support/adversary/arena.ts";

let workshop: Workshop;
let arena: Arena;

beforeAll(async () => {
  workshop = makeWorkshop();
  arena = await bootArena(workshop);
  arena.host.put(makeVersion(workshop.base, workshop.scratch, { version: "0.2.0" }), "/srv/next");
});
beforeEach(async () => {
  await arena.reset();
  await arena.host.shell(`${GONE}; rm -rf /opt/ledger.untrusted`);
});
afterAll(async () => {
  await arena?.remove();
  workshop?.dispose();
});

const ran = async () => (await arena.won()).filter((line) => !line.startsWith("hers now"));
const fixOf = (said: string) => /^ {2}fix {3}(.*)$/m.exec(said)?.[1] ?? "echo 'no fix was printed'; exit 99";

/** Her generation of the service: whatever root runs of it leaves a proof. */
const FORGED = `
  mkdir -p /opt/ledger/releases/0.1.0-hers/lib && cd /opt/ledger
  for file in gantry ledger setup.sh; do cp ${KIT}/evil.sh releases/0.1.0-hers/$file; done
  cp ${KIT}/evil.js releases/0.1.0-hers/lib/launcher.mjs; cp ${KIT}/evil releases/0.1.0-hers/lib/ledger
  cp /srv/ledger/lib/release.json releases/0.1.0-hers/lib; cp /srv/ledger/SHA256SUMS releases/0.1.0-hers
  ln -sfn releases/0.1.0-hers current; ln -sfn releases/0.1.0-hers fallback; chmod -R a+rX releases`;

/** With the status of each once the directory is gone, where nothing was installed and where the units are left. */
const COMMANDS: readonly (readonly [command: string, before: number, after: number])[] = [
  ["install", 0, 0],
  ["upgrade /srv/next", 66, 66],
  ["status", 66, 66],
  ["rollback", 66, 66],
  ["clean", 0, 0],
  ["uninstall", 66, 0],
];

describe("an /opt/ledger that was hers before the installation", () => {
  it.each(COMMANDS)("%s refuses it, and the printed command ends that", async (command, code) => {
    await arena.host.shell("install -d -o mallory /opt/ledger");
    await arena.attacker(FORGED);
    const { refused, ranOfHers, mended, again } = await refuseThenMend(command);
    expect(refused).toMatchObject({ code: 73, said: expect.stringContaining("gantry: STORE_UNSAFE: ") });
    expect(mended).toEqual({ code: 0, said: "" });
    expect(again).toMatchObject({ code, said: expect.not.stringContaining("STORE_UNSAFE") });
    expect(ranOfHers).toEqual([]);
  });
});

describe("an /opt/ledger that became hers after it", () => {
  it.each(COMMANDS)("%s refuses it, and the printed command ends that", async (command, _before, code) => {
    expect(await arena.as(0, "cd / && /srv/ledger/gantry install")).toMatchObject({ code: 0 });
    await arena.host.shell("chown mallory /opt/ledger");
    await arena.attacker(`mv /opt/ledger/releases /opt/ledger/roots; ${FORGED}`);
    const { refused, ranOfHers, mended, again } = await refuseThenMend(command);
    expect(refused).toMatchObject({ code: 73, said: expect.stringContaining("gantry: STORE_UNSAFE: ") });
    expect(mended).toEqual({ code: 0, said: "" });
    expect(again).toMatchObject({ code, said: expect.not.stringContaining("STORE_UNSAFE") });
    expect(ranOfHers).toEqual([]);
  });
});

/** Runs a command of root's, pastes the command that it prints, and runs it again. */
async function refuseThenMend(command: string) {
  const run = () => arena.as(0, `cd ${HOME} && /srv/ledger/gantry ${command}`);
  const refused = await run();
  const mended = await arena.as(0, `cd / && ${fixOf(refused.said)}`);
  const again = await run();
  return { refused, mended, again, ranOfHers: await ran() };
}
