/**
 * Debian's real sudo: a person unpacks a release in her own home and installs it from there, while somebody else on the
 * host tries to change what root runs. Each refusal is ended by the command that it prints, pasted into her shell.
 */
import { ROUNDS } from "../support/adversary/rounds.ts";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  ALICE,
  bootArena,
  HOME,
  KIT,
  makeWorkshop,
  MALLORY,
  PATIENT,
  type Arena,
  type Workshop,
} from "../support/adversary/arena.ts";
import { makeKey, makeVersion, type Key } from "../support/systemd/ledger.ts";
import { ensureRoot } from "../support/roots/roots.ts";

let workshop: Workshop;
let arena: Arena;
let key: Key;

/** Debian's package of it and what it needs, unpacked. */
function sudoRoot(): string {
  return ensureRoot("bookworm-sudo", (directory) => {
    const options = ["--quiet", "--variant=extract", "--mode=root", "--include=sudo"];
    execFileSync("mmdebstrap", [...options, "bookworm", directory], { stdio: "inherit" });
  });
}

/** Runs a script as alice in her home, with her umask. */
async function alice(script: string): Promise<{ code: number | null; said: string }> {
  const become = ["setpriv", `--reuid=${ALICE}`, `--regid=${ALICE}`, "--init-groups", "env"];
  const shell = ["HOME=/home/alice", "USER=alice", "sh", "-c", `umask 002; cd ~; ${script}`];
  const { code, stdout, stderr } = await arena.host.run([...become, ...shell]);
  return { code, said: `${stdout}${stderr}` };
}

/** The command that a refusal prints. */
const fixOf = (said: string) =>
  /^ {2}fix {3}(.*)$/m.exec(said)?.[1] ?? `echo 'no fix in: ${said}' >&2; exit 99`;

const SERVICE = "systemctl is-active ledger; readlink -f /opt/ledger/current";
/** What others could change of what was installed, and what is left of a copy. */
const LEFT = "find /opt ! -uid 0 -o -perm /022 ! -type l; ls -Ad /opt/.[!.]* 2>/dev/null; true";

beforeAll(async () => {
  workshop = makeWorkshop();
  arena = await bootArena(workshop);
  key = makeKey(workshop.scratch);
  const { host } = arena;
  const sudo = sudoRoot();
  for (const path of ["usr/bin/sudo", "usr/libexec/sudo", "etc/pam.d/sudo", "etc/sudoers", "etc/sudo.conf"])
    host.put(join(sudo, path), `/${path}`);
  host.write("/etc/sudoers.d/people", "alice ALL=(ALL:ALL) NOPASSWD: ALL\n", 0o440);
  for (const version of ["0.1.0", "0.2.0", "0.3.0"])
    host.put(makeVersion(workshop.base, workshop.scratch, { version }), `/home/alice/unpacked/${version}`);
  host.put(makeVersion(workshop.base, workshop.scratch, { version: "0.9.0", key }), "/home/mallory/signed");
  await host.shell(`
    chmod 4755 /usr/bin/sudo; chmod 440 /etc/sudoers
    chown -R ${ALICE}:${ALICE} /home/alice; chown -R ${MALLORY}:${MALLORY} /home/mallory`);
}, 240_000);
afterEach(async () => {
  await arena.reset();
  await arena.host.shell(`
    if [ -x /opt/ledger/current/gantry ]; then /opt/ledger/current/gantry uninstall --purge --yes; fi
    rm -rf /home/alice/release /home/alice/next-release /home/alice/KEY /root/release /root/signed /opt/ledger*
    chmod 755 /home/alice`);
});
afterAll(async () => {
  await arena?.remove();
  workshop?.dispose();
});

const UNPACK =
  "cp -r unpacked/0.1.0 release && cp -r unpacked/0.2.0 next-release && chmod -R g+w release next-release";
/** The release is a group's that mallory is in. */
const SHARE = "chgrp -R mallory /home/alice/release";
const ran = async () => (await arena.won()).filter((line) => !line.startsWith("hers now"));

describe("a release that alice unpacked in her own home", () => {
  it.each(["755", "700"])("is installed and upgraded by sudo, with a home of mode %s", async (mode) => {
    expect(await alice(`chmod ${mode} . && ${UNPACK} && stat -c %a release`)).toEqual({
      code: 0,
      said: "775\n",
    });
    expect(await alice("cd release && sudo ./gantry install")).toMatchObject({ code: 0 });
    expect(await arena.host.shell(SERVICE)).toMatch(/^active\n\/opt\/ledger\/releases\/0\.1\.0/);
    expect(await arena.host.shell(LEFT)).toBe("");
    expect(await alice("cd release && sudo ./gantry upgrade ../next-release")).toMatchObject({ code: 0 });
    expect(await arena.host.shell(SERVICE)).toMatch(/^active\n\/opt\/ledger\/releases\/0\.2\.0/);
    expect(await alice("cd next-release && sudo ./setup.sh")).toMatchObject({ code: 0 });
    expect(await arena.host.shell(LEFT)).toBe("");
    const status = await alice("cd release && sudo ./gantry status");
    expect(status).toMatchObject({ code: 73 });
    expect(await alice(fixOf(status.said))).toMatchObject({
      code: 0,
      said: expect.stringContaining("0.2.0"),
    });
  });

  it("is never run where mallory has a file in it, and the printed command installs it", async () => {
    await alice(UNPACK);
    await arena.host.shell(SHARE);
    await arena.attacker(
      "cd /home/alice/release && cp lib/launcher.mjs l && cat l >lib/l && mv -f lib/l lib/launcher.mjs",
    );
    const refused = await alice("cd release && sudo ./gantry install");
    expect(refused).toMatchObject({ code: 73, said: expect.stringContaining("gantry: STORE_UNSAFE:") });
    expect(await ran()).toEqual([]);
    expect(await alice(`cd release && ${fixOf(refused.said)}`)).toMatchObject({ code: 0 });
    expect(await arena.host.shell(`${SERVICE}; ${LEFT}`)).toMatch(
      /^active\n\/opt\/ledger\/releases\/0\.1\.0[^\n]*\n$/,
    );
  });

  it("is never run where mallory changed one, nor by the printed command", async () => {
    await alice(UNPACK);
    await arena.host.shell(SHARE);
    await arena.attacker(
      `cd /home/alice/release/lib && cat ${KIT}/evil.js launcher.mjs >l && mv -f l launcher.mjs`,
    );
    const refused = await alice("cd release && sudo ./gantry install");
    expect(refused).toMatchObject({ code: 73 });
    expect(await alice(fixOf(refused.said))).not.toMatchObject({ code: 0 });
    expect(await ran()).toEqual([]);
  });

  it(`is never run in ${ROUNDS} rounds while mallory changes it`, PATIENT, async () => {
    await alice(UNPACK);
    await arena.host.shell(`${SHARE}/lib; chmod 755 /home/alice/release`);
    await arena.attacker(`cd /home/alice/release/lib && cat ${KIT}/evil.js launcher.mjs >hers`);
    const lib = "/home/alice/release/lib";
    const { flips, codes } = await arena.race({
      attack: ["exchange", `${lib}/launcher.mjs`, `${lib}/hers`],
      victim: "cd /home/alice/release && exec sudo ./gantry install",
      uid: ALICE,
    });
    expect(flips).toBeGreaterThan(ROUNDS);
    expect(codes).toEqual({ "73": ROUNDS });
    expect(await ran()).toEqual([]);
  });
});

it("an /opt/ledger of mallory's is refused; the printed command lets alice install", async () => {
  await alice(UNPACK);
  await arena.host.shell("install -d -o mallory /opt/ledger");
  await arena.attacker(`mkdir /opt/ledger/releases && cp ${KIT}/evil.sh /opt/ledger/releases/gantry`);
  const refused = await alice("cd release && sudo ./gantry install");
  expect(refused).toMatchObject({
    code: 73,
    said: expect.stringContaining("/opt/ledger is owned by user 2001"),
  });
  expect(await alice(fixOf(refused.said))).toMatchObject({ code: 0 });
  expect(await alice("cd release && sudo ./gantry install")).toMatchObject({ code: 0 });
  expect(await arena.host.shell(SERVICE)).toMatch(/^active\n\/opt\/ledger\/releases\/0\.1\.0/);
  expect(await ran()).toEqual([]);
});

describe("a release of mallory's", () => {
  it("is refused, and the printed command installs a copy of root's", async () => {
    const refused = await alice(`sudo ${HOME}/signed/gantry install`);
    expect(refused).toMatchObject({ code: 73, said: expect.stringContaining("gantry: STORE_UNSAFE:") });
    expect(await ran()).toEqual([]);
    expect(await alice(fixOf(refused.said))).toMatchObject({ code: 0 });
    expect(await arena.host.shell(SERVICE)).toMatch(/^active\n\/opt\/ledger\/releases\/0\.9\.0/);
    // The service pins a key now: its signature is what is asked for.
    const again = await alice(`sudo ${HOME}/signed/gantry install`);
    expect(fixOf(again.said)).toBe(`sudo /opt/ledger/current/gantry upgrade ${HOME}/signed`);
    expect(await alice(fixOf(again.said))).toMatchObject({ code: 0 });
  });

  it("uses the installed gantry with the publisher's key when the service pins none", async () => {
    await alice(`${UNPACK} && cd release && sudo ./gantry install`);
    const refused = await alice(`sudo ${HOME}/signed/gantry install`);
    expect(fixOf(refused.said)).toBe(
      `sudo /opt/ledger/current/gantry upgrade ${HOME}/signed --public-key KEY`,
    );
    expect(await alice(`printf '%s\\n' '${key.line}' >KEY; ${fixOf(refused.said)}`)).toMatchObject({
      code: 0,
    });
    expect(await arena.host.shell(`${SERVICE}; ${LEFT}`)).toMatch(
      /^active\n\/opt\/ledger\/releases\/0\.9\.0[^\n]*\n$/,
    );
  });

  it("comes in unsigned only by the installed gantry", async () => {
    await alice(`${UNPACK} && cd release && sudo ./gantry install`);
    await arena.host.shell(
      `cp -r /home/alice/unpacked/0.3.0 ${HOME}/unsigned && chown -R mallory: ${HOME}/unsigned`,
    );
    const refused = await alice(`sudo ${HOME}/unsigned/gantry install`);
    expect(fixOf(refused.said)).toBe(`sudo /opt/ledger/current/gantry upgrade ${HOME}/unsigned`);
    expect(await alice(fixOf(refused.said))).toMatchObject({ code: 0 });
    expect(await ran()).toEqual([]);
  });
});
