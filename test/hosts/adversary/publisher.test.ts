/**
 * Bad releases for a service that pins a key: from somebody who has no key, and from the attacker, in whose directory a
 * genuine release was prepared. Nothing of hers runs, as root or as the service, and nothing of hers comes into /opt.
 */
import { ROUNDS } from "../../support/adversary/rounds.ts";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  gantry,
  makeKey,
  makeVersion,
  packRelease,
  releasesOf,
  sign,
  type Key,
} from "../../support/systemd/ledger.ts";
import {
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
let key: Key;
let installed: string[] = [];
let next = 1;

beforeAll(async () => {
  workshop = makeWorkshop();
  arena = await bootArena(workshop);
  key = makeKey(workshop.scratch);
  arena.host.put(makeVersion(workshop.base, workshop.scratch, { version: "0.1.0", key }), "/srv/pinned");
  // Whatever runs as the service can leave its proof too.
  arena.host.write(
    "/etc/systemd/system/ledger.service.d/proof.conf",
    "[Service]\nReadWritePaths=/var/proof\n",
  );
  const { code, stderr } = await gantry(arena.host, ["install"], "/srv/pinned");
  if (code !== 0) throw new Error(stderr);
  installed = releasesOf(arena.host);
});
afterEach(() => arena.reset());
afterAll(async () => {
  await arena?.remove();
  workshop?.dispose();
});

/** A genuine, signed release of a version that was never here, in a directory of hers, made ready there. */
async function genuine(): Promise<string> {
  next += 1;
  const version = `0.${next}.0`;
  arena.host.put(makeVersion(workshop.base, workshop.scratch, { version, key }), `${HOME}/${version}`);
  await arena.host.shell(`chown -R mallory: ${HOME}/${version}`);
  await arena.attacker(`cd / && ${HOME}/${version}/gantry prepare`);
  return `${HOME}/${version}`;
}

const upgrade = (source: string) =>
  arena.as(0, `cd / && timeout 60 /opt/ledger/current/gantry upgrade ${source} 2>&1`);

/** Exit status and words, so that a status that is not expected explains itself. */
const endOf = async (run: ReturnType<typeof upgrade>) => {
  const { code, said } = await run;
  return `${code} ${said}`;
};

describe("is refused, and nothing of it runs:", () => {
  it.each([
    ["a release without a signature", "rm -f SHA256SUMS.minisig"],
    ["one with other sums", "echo >>SHA256SUMS"],
    [
      "one whose scripts are hers",
      `for file in gantry ledger setup.sh lib/ledger; do rm $file; cp ${KIT}/evil $file; done`,
    ],
    ["one whose program is hers", `rm lib/ledger && cp ${KIT}/evil lib/ledger`],
    ["one whose launcher is hers", `cat ${KIT}/evil.js >>lib/launcher.mjs`],
    [
      "one whose manifest is hers",
      `sed -i 's/"0\\.1\\.0"/"9.9.9"/; s/"schema": *1/"schema":1,"x":1/' lib/release.json`,
    ],
    ["one whose unit is hers", `echo 'ExecStartPre=+${KIT}/evil' >>systemd/ledger.service`],
    ["one whose sums are a link", "mv SHA256SUMS x && ln -s x SHA256SUMS"],
    ["one whose program is a link", "mv lib/ledger lib/x && ln -s x lib/ledger"],
    ["one whose lib is a link", "mv lib x && ln -s x lib"],
    ["a FIFO for sums", "rm SHA256SUMS && mkfifo SHA256SUMS"],
    ["a FIFO for a signature", "rm SHA256SUMS.minisig && mkfifo SHA256SUMS.minisig"],
    ["a FIFO for the program", "rm lib/ledger && mkfifo lib/ledger"],
    ["a FIFO for the manifest", "rm lib/release.json && mkfifo lib/release.json"],
    ["a directory for the program", "rm lib/ledger && mkdir lib/ledger"],
  ])("%s", async (_name, change) => {
    const release = await genuine();
    await arena.attacker(`cd ${release} && ${change}`);
    expect(await endOf(upgrade(release))).toMatch(/^(?:65|66|73|74) /);
    expect(await arena.won()).toEqual([]);
    expect(releasesOf(arena.host)).toEqual(installed);
  });

  it("a file, FIFO, device or directory for an archive", async () => {
    await arena.attacker(
      `mkfifo ${HOME}/fifo.tar.zst && echo x >${HOME}/file.tar.zst && mkdir ${HOME}/empty`,
    );
    for (const source of [
      `${HOME}/fifo.tar.zst`,
      `${HOME}/file.tar.zst`,
      `${HOME}/empty`,
      "/dev/zero",
      "/dev/tty",
      "/root/secret",
      "/",
    ]) {
      expect(`${source} ${await endOf(upgrade(source))}`).toMatch(/^\S+ (?:64|65|66|74) /);
    }
    expect(await arena.won()).toEqual([]);
    expect(releasesOf(arena.host)).toEqual(installed);
  });
});

const JUNK = 'echo \'{"name":"x","version":"1.0.0","main":"index.js"}\'';

describe("a genuine release with something beside it comes in without that:", () => {
  it.each([
    [
      "a package",
      `mkdir -p node_modules/ws node_modules/bufferutil && for one in ws bufferutil; do ${JUNK} >node_modules/$one/package.json; cp ${KIT}/evil.js node_modules/$one/index.js; done`,
    ],
    [
      "a package of the module's own scope",
      `mkdir node_modules/@node-rs/other && ${JUNK} >node_modules/@node-rs/other/package.json && cp ${KIT}/evil.js node_modules/@node-rs/other/index.js`,
    ],
    [
      "a package inside a module",
      `mkdir -p node_modules/@node-rs/crc32/node_modules/x && cp ${KIT}/evil.js node_modules/@node-rs/crc32/node_modules/x/index.js`,
    ],
    ["a script of a module that she changed", `cat ${KIT}/evil.cjs >>node_modules/@node-rs/crc32/index.js`],
    [
      "a native module that is hers",
      `cat ${KIT}/evil.so >node_modules/@node-rs/crc32-linux-x64-gnu/crc32.linux-x64-gnu.node`,
    ],
    ["modules that are a link", "mv node_modules m && ln -s m node_modules"],
    ["an .env", `printf 'NODE_PATH=${KIT}\\nPORT=1\\n' >.env; cp ${KIT}/evil.js preload.js`],
    [
      "links to secrets",
      "ln -s /root/secret vendor/x.minisig; ln -s /root/secret vendor/secret; ln -s /root/secret .env; ln -s /root/secret node_modules/secret; ln -s /root node_modules/root",
    ],
    ["FIFOs", "mkfifo vendor/x.minisig vendor/fifo .env node_modules/fifo node_modules/@node-rs/crc32/fifo"],
  ])("%s", async (_name, change) => {
    const release = await genuine();
    await arena.attacker(`cd ${release} && ${change}`);
    // It comes in without what she added, or not at all; both are right, and the first is better.
    expect(await endOf(upgrade(release))).toMatch(/^(?:0|65) /);
    expect(await arena.won()).toEqual([]);
    const found = await arena.host.shell(
      `cd /opt/ledger/releases && { grep -rls 'proof' --include='*.js' --include='*.node' . ; find . -name 'x.minisig' -o -name secret -o -name fifo -o -name .env -o -name ws -o -name other; true; }`,
    );
    expect(found).toBe("");
    installed = releasesOf(arena.host);
  });

  it(`a script that changes while root copies, at least ${ROUNDS} times`, PATIENT, async () => {
    const release = await genuine();
    await arena.attacker(`cd ${HOME} && cp -a ${release} twin && cd twin &&
      cat ${KIT}/evil.cjs >>node_modules/@node-rs/crc32/index.js && cat ${KIT}/evil.js >>lib/launcher.mjs &&
      rm lib/ledger && cp ${KIT}/evil lib/ledger && for file in gantry ledger; do rm $file && cp ${KIT}/evil $file; done`);
    const pairs = ["node_modules", "lib", "gantry", "ledger"].flatMap((name) => [
      `${release}/${name}`,
      `${HOME}/twin/${name}`,
    ]);
    const { flips } = await arena.race({
      attack: ["exchange", ...pairs],
      victim: `cd / && timeout 60 /opt/ledger/current/gantry upgrade ${release}`,
    });
    expect(flips).toBeGreaterThan(ROUNDS);
    expect(await arena.won()).toEqual([]);
    await arena.host.shell(
      "for one in /opt/ledger/releases/*; do cd $one && sha256sum --quiet -c SHA256SUMS; done; ! grep -rls proof /opt/ledger/releases/*/node_modules",
    );
  });
});

it("a signed archive still comes in", async () => {
  next += 1;
  const file = packRelease(makeVersion(workshop.base, workshop.scratch, { version: `0.${next}.0`, key }));
  sign(file, key.secret);
  for (const end of ["", ".minisig"]) arena.host.put(`${file}${end}`, `/srv/good.tar.zst${end}`);
  expect(await upgrade("/srv/good.tar.zst")).toMatchObject({ code: 0 });
});
