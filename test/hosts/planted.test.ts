/** Upgrades of a service that pins a key, from a directory whose owner is hostile: what nobody signed never gets in. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { bootLedger, expectWhole } from "../support/systemd/ledger-host.ts";
import {
  buildLedger,
  gantry,
  makeKey,
  makeVersion,
  sign,
  untilAnswers,
  type Key,
  type Version,
} from "../support/systemd/ledger.ts";
import { PATIENT } from "../support/hosts/samples.ts";
import type { SystemdHost } from "../support/systemd/systemd-host.ts";

const cli = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));
const ATTACKER = 2001;
const MARK = "/var/lib/ledger/planted-code-ran";

let scratch = "";
let base = "";
let key: Key;
let host: SystemdHost;
let url = "";

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "gantry-planted-"));
  base = buildLedger(scratch);
  key = makeKey(scratch);
  ({ host, url } = await bootLedger("bookworm", { base, scratch, version: { key } }));
});
afterAll(async () => {
  await host?.remove();
  rmSync(scratch, { recursive: true, force: true });
});

/** A signed release as the attacker has it: unpacked, prepared, and in a directory that is the attacker's. */
async function putPrepared(version: Version): Promise<string> {
  const release = makeVersion(base, scratch, version);
  execFileSync(join(release, "gantry"), ["prepare"], { stdio: "pipe" });
  const place = `/home/attacker/${basename(release)}`;
  host.put(release, place);
  await host.shell(`chown -R ${ATTACKER}:${ATTACKER} /home/attacker`);
  return place;
}

/** A native file that leaves a mark when it is loaded, whoever loads it. */
function compileMark(): string {
  const [source, file] = [join(scratch, "mark.c"), join(scratch, "mark.node")];
  writeFileSync(
    source,
    `#include <fcntl.h>\n__attribute__((constructor)) static void mark(void) { open("${MARK}", O_CREAT, 0600); }\n`,
  );
  execFileSync("gcc", ["-shared", "-fPIC", "-o", file, source], { stdio: "pipe" });
  return file;
}

const asAttacker = (script: string) =>
  host.shell(`setpriv --reuid ${ATTACKER} --regid ${ATTACKER} --clear-groups sh -c '${script}'`);
const inReleases = (find: string) => host.shell(`find /opt/ledger/releases ${find}`);

it("a planted package and a planted native file are not taken, and never run", async () => {
  const place = await putPrepared({ version: "0.2.0", key });
  // What @node-rs/crc32 looks for before it looks for the package that the release was built with.
  host.put(compileMark(), "/home/attacker/mark.node");
  await host.shell("chmod 644 /home/attacker/mark.node");
  await asAttacker(`cd ${place}/node_modules && mkdir -p bufferutil @matrix-org/evil &&
    cp /home/attacker/mark.node @node-rs/crc32/crc32.linux-x64-gnu.node &&
    for p in bufferutil @matrix-org/evil; do echo "module.exports = 1" > $p/index.js; done`);
  const answer = await gantry(host, ["upgrade", place]);
  expect(existsSync(join(host.root, MARK))).toBe(false);
  expect(answer).toMatchObject({ code: 0, json: { outcome: "done" } });
  expect((await untilAnswers(url)).version).toBe("0.2.0");
  expect(
    await inReleases("-name bufferutil -o -name @matrix-org -o -name crc32.linux-x64-gnu.node"),
  ).not.toMatch(/bufferutil|@matrix-org|crc32\/crc32\.linux/);
  expect(answer.stderr).toMatch(/left 3 entries of .* no part of the release: /);
  expect(await expectWhole(host)).toBe("0.2.0");
});

it("links to a secret, FIFOs and sockets leak nothing and block nothing", PATIENT, async () => {
  const place = await putPrepared({ version: "0.3.0", key });
  await asAttacker(`cd ${place}/vendor && ln -sf /etc/shadow linux-x64-gnu.tar.zst.minisig &&
    ln -s /etc/shadow x.minisig && mkfifo y.minisig && mkfifo ../node_modules/fifo`);
  const answer = await Promise.race([
    gantry(host, ["upgrade", place]),
    new Promise<never>((_, reject) => {
      setTimeout(() => reject(new Error("it hangs")), 240_000).unref();
    }),
  ]);
  // The bundle's signature is gone with the link, and the prepared modules need no bundle.
  expect(answer).toMatchObject({ code: 0, json: { outcome: "done" } });
  expect(await inReleases("-name '*.minisig' -path '*/releases/0.3.0-*/vendor/*'")).toBe("");
  expect(await host.shell("grep -rl '^root:[*!$]' /opt/ledger || true")).toBe("");
  expect(await inReleases("! -type f ! -type d")).toBe("");
});

it("an older signed release is refused, and so is one that drops the key", async () => {
  const older = await putPrepared({ version: "0.2.5", key });
  const replayed = await gantry(host, ["upgrade", older]);
  expect(replayed).toMatchObject({ code: 64, json: { findings: [{ code: "USAGE" }] } });
  expect(replayed.stderr).toContain("--allow-downgrade");
  const free = makeVersion(base, scratch, { version: "0.4.0" });
  sign(free, key.secret);
  host.put(free, "/root/free");
  const dropping = await gantry(host, ["upgrade", "/root/free"]);
  expect(dropping).toMatchObject({ code: 65, json: { findings: [{ code: "SIGNATURE_INVALID" }] } });
  expect(dropping.stderr).toContain("--drop-key");
  expect((await untilAnswers(url)).version).toBe("0.3.0");
  expect(await expectWhole(host)).toBe("0.3.0");
});

it("planted files in the installed tree are errors, and --repair removes only them", async () => {
  const modules = "/opt/ledger/current/node_modules";
  await host.shell(
    `mkdir -p ${modules}/@planted/evil && echo > ${modules}/@planted/evil/index.js && ln -s /etc ${modules}/etc`,
  );
  for (const command of ["verify", "doctor"]) {
    const run = await host.run(["/opt/ledger/current/gantry", command]);
    expect(run.code).toBe(65);
    expect(`${run.stdout}${run.stderr}`).toMatch(/@planted is no part of this release/);
  }
  await host.shell("/opt/ledger/current/gantry verify --repair");
  expect(existsSync(join(host.root, "etc/passwd"))).toBe(true);
  expect(await host.shell(`ls ${modules}`)).toBe("@node-rs\n");
  expect(await expectWhole(host)).toBe("0.3.0");
});

it("a new key comes by the old one's statement, and a revocation is permanent", async () => {
  const keygen = (...args: readonly string[]) =>
    execFileSync(process.execPath, [cli, "keygen", ...args, "--statements", join(scratch, "keys")], {
      encoding: "utf8",
    });
  const [secret, open] = [join(scratch, "new.key"), join(scratch, "new.pub")];
  keygen("--secret", secret, "--public", open, "--successor", key.secret);
  keygen("--revoke", key.line, "--secret", key.secret);
  const line = readFileSync(open, "utf8").trim().split("\n").at(-1) ?? "";
  const release = makeVersion(base, scratch, { version: "0.5.0", key: { secret, line } });
  addFiles(release, join(scratch, "keys"), "keys");
  sign(release, secret);
  host.put(release, "/root/new-key");
  expect(await gantry(host, ["upgrade", "/root/new-key"])).toMatchObject({
    code: 0,
    json: { outcome: "done" },
  });
  expect((await untilAnswers(url)).version).toBe("0.5.0");
  const old = await putPrepared({ version: "0.6.0", key });
  const refused = await gantry(host, ["upgrade", old]);
  expect(refused).toMatchObject({ code: 65, json: { findings: [{ code: "SIGNATURE_INVALID" }] } });
  expect(refused.stderr).toMatch(/which is revoked/);
});

/** Puts files into a release and its sums. */
function addFiles(release: string, from: string, to: string): void {
  mkdirSync(join(release, to));
  cpSync(from, join(release, to), { recursive: true });
  const names = execFileSync("ls", [from], { encoding: "utf8" }).trim().split("\n");
  const lines = names.map((name) => {
    const digest = createHash("sha256")
      .update(readFileSync(join(from, name)))
      .digest("hex");
    return `${digest}  ${to}/${name}\n`;
  });
  writeFileSync(
    join(release, "SHA256SUMS"),
    `${readFileSync(join(release, "SHA256SUMS"), "utf8")}${lines.join("")}`,
  );
}
