/**
 * A systemd host with an attacker on it: a user without any right but her own (MALLORY), another one who trusts gantry
 * (ALICE), and root. What the attacker wants is observable and cannot be pretended: her code leaves a file in a
 * directory where everybody may make files, and nobody but root can give a file away, so its owner says who ran it.
 */
import { ROUNDS } from "./rounds.ts";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildLedger, makeVersion } from "../systemd/ledger.ts";
import { bootHost, type SystemdHost } from "../systemd/systemd-host.ts";

/** For the tests that race: a round takes about 0.1 s, and much longer on a machine that does other work. */
export const PATIENT = { timeout: 120_000 + ROUNDS * 4000 };

export const MALLORY = 2001;
export const ALICE = 2002;
/** The attacker's own directories: nobody else's files are in there. */
export const HOME = "/home/mallory";
/** Her tools: evil.js, evil.ts, evil.sh, evil (a program) and evil.so, each of which leaves a proof. */
export const KIT = `${HOME}/kit`;
/** Words of a file of root's that nobody else may read. */
const SECRET = "root-keeps-this-to-itself-9317";

/** As if the ledger had never been installed. */
export const GONE = `systemctl stop ledger 2>/dev/null
  rm -rf /etc/systemd/system/ledger*.service /etc/systemd/system/gantry-*@ledger.service /etc/systemd/system/*.wants/ledger* /etc/sysusers.d/ledger.conf
  rm -rf /opt/ledger /etc/ledger /var/lib/ledger /var/cache/ledger /var/log/ledger /var/lib/gantry
  systemctl daemon-reload`;

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

interface Race {
  /** Arguments of flip.c after the count's file. */
  readonly attack: readonly ["exchange" | "snatch", ...string[]];
  /** What the victim does in each round: a script of sh. */
  readonly victim: string;
  /** Who the victim is; root when left out. */
  readonly uid?: number;
  readonly rounds?: number;
}

interface Raced {
  /** How often the attacker changed something; a race without any proves nothing. */
  readonly flips: number;
  /** Rounds by the exit status of the victim's script. */
  readonly codes: Readonly<Record<string, number>>;
  /** What the last round printed. */
  readonly last: string;
}

export interface Arena {
  readonly host: SystemdHost;
  /** Runs a script as the attacker; throws unless it ends with 0. */
  readonly attacker: (script: string) => Promise<string>;
  /** Runs a script as somebody, whatever its exit status. */
  readonly as: (uid: number, script: string) => Promise<{ code: number | null; said: string }>;
  /** Runs the victim's script again and again while the attacker changes things. */
  readonly race: (race: Race) => Promise<Raced>;
  /** Everything that the attacker has won: empty, or the host is not safe. */
  readonly won: () => Promise<string[]>;
  /** Forgets what was won, for the next test. */
  readonly reset: () => Promise<void>;
  readonly remove: () => Promise<void>;
}

/** The ledger, compiled once for a test file, and the attacker's programs. */
export interface Workshop {
  readonly scratch: string;
  /** The compiled release, of which `makeVersion` makes others. */
  readonly base: string;
  readonly dispose: () => void;
}

export function makeWorkshop(): Workshop {
  const scratch = mkdtempSync(join(tmpdir(), "gantry-adversary-"));
  const compile = (source: string, to: string, ...flags: string[]) =>
    execFileSync("gcc", ["-O2", "-Wall", "-Wextra", "-o", join(scratch, to), here(source), ...flags]);
  compile("flip.c", "flip", "-static");
  compile("payload.c", "evil", "-static");
  compile("payload.c", "evil.so", "-shared", "-fPIC");
  return {
    scratch,
    base: buildLedger(scratch),
    dispose: () => rmSync(scratch, { recursive: true, force: true }),
  };
}

const SCRIPT = `
try {
  const { closeSync, openSync } = require("node:fs");
  closeSync(openSync("/var/proof/script-" + process.getuid() + "-" + process.pid + "-" + Date.now(), "w"));
} catch {}
`;

const SETUP = `set -e
for person in mallory:${MALLORY} alice:${ALICE}; do
  name=\${person%:*} id=\${person#*:}
  echo "$name:x:$id:$id::/home/$name:/bin/sh" >>/etc/passwd
  echo "$name:x:$id:" >>/etc/group
  echo "$name:*:19000::::::" >>/etc/shadow
  install -d -m 755 -o "$id" -g "$id" "/home/$name"
done
install -d -m 1777 /var/proof
(umask 077 && echo ${SECRET} >/root/secret)
chown -R ${MALLORY}:${MALLORY} ${KIT}
chmod -R a+rX ${KIT}
chmod 755 ${KIT}/evil ${KIT}/evil.sh /usr/local/bin/flip
sha256sum /root/secret /root/.bashrc /etc/hostname /etc/os-release >/root/sums`;

/** Boots a host with the three, and version 0.1.0 of the ledger unpacked as root at /srv/ledger. */
export async function bootArena({ scratch, base }: Workshop): Promise<Arena> {
  const host = await bootHost({ suite: "bookworm" });
  try {
    host.put(makeVersion(base, scratch, { version: "0.1.0" }), "/srv/ledger");
    host.put(join(scratch, "flip"), "/usr/local/bin/flip");
    host.put(join(scratch, "evil"), `${KIT}/evil`);
    host.put(join(scratch, "evil.so"), `${KIT}/evil.so`);
    for (const name of ["evil.js", "evil.ts", "evil.cjs"]) host.write(`${KIT}/${name}`, SCRIPT);
    host.write(`${KIT}/evil.sh`, "#!/bin/sh\n: >/var/proof/shell-$$\n");
    await host.shell(SETUP);
    return arenaOf(host);
  } catch (error) {
    await host.remove();
    throw error;
  }
}

const become = (uid: number, home: string) =>
  `setpriv --reuid=${uid} --regid=${uid} --clear-groups env HOME=${home}`;

function arenaOf(host: SystemdHost): Arena {
  const as: Arena["as"] = async (uid, script) => {
    const [first = "", ...rest] = become(uid, uid === 0 ? "/root" : HOME).split(" ");
    const { code, stdout, stderr } = await host.run([first, ...rest, "sh", "-c", script]);
    return { code, said: `${stdout}${stderr}` };
  };
  return {
    host,
    as,
    attacker: async (script) => {
      const { code, said } = await as(MALLORY, script);
      if (code !== 0) throw new Error(`${script}\nended with ${code}\n${said}`);
      return said;
    },
    race: (race) => runRace(host, race),
    won: () => readWins(host),
    reset: async () => void (await host.shell("rm -rf /var/proof/* /run/race; chmod 1777 /var/proof")),
    remove: () => host.remove(),
  };
}

async function runRace(
  host: SystemdHost,
  { attack, victim, uid = 0, rounds = ROUNDS }: Race,
): Promise<Raced> {
  const [mode, ...paths] = attack;
  host.write("/usr/local/bin/victim", victim, 0o755);
  const run =
    uid === 0 ? "sh /usr/local/bin/victim" : `${become(uid, `/home/alice`)} sh /usr/local/bin/victim`;
  const text = await host.shell(`
    rm -rf /run/race && install -d -o ${MALLORY} /run/race
    ${become(MALLORY, HOME)} /usr/local/bin/flip ${mode} /run/race/count ${paths.join(" ")} >/run/race/ready &
    flipper=$!
    until [ -s /run/race/ready ]; do kill -0 $flipper || exit 1; sleep 0.01; done
    round=0
    while [ $round -lt ${rounds} ]; do
      round=$((round + 1))
      round=$round ${run} </dev/null >/run/last 2>&1
      echo $? >>/run/race/codes
    done
    kill -TERM $flipper
    wait $flipper
    cat /run/race/count
    sort /run/race/codes | uniq -c
    echo ---
    cat /run/last`);
  const [table = "", ...last] = text.split("---\n");
  const [flips = "", ...codes] = table.trim().split("\n");
  const pairs = codes.map((line) => line.trim().split(/\s+/));
  return {
    flips: Number(flips),
    codes: Object.fromEntries(pairs.map(([count, code]) => [String(code), Number(count)])),
    last: last.join("---\n"),
  };
}

/** Places where the attacker's own files belong. */
const HERS = ["/home/mallory", "/var/proof", "/proc", "/sys", "/run/race", "/tmp", "/var/tmp", "/srv/shared"];

async function readWins(host: SystemdHost): Promise<string[]> {
  const prune = HERS.map((path) => `-path ${path}`).join(" -o ");
  const lines = await host.shell(`
    find /var/proof -mindepth 1 ! -uid ${MALLORY} -printf 'ran as uid %U: %f\\n'
    find / \\( ${prune} \\) -prune -o -uid ${MALLORY} -printf 'hers now: %p\\n'
    [ -e /root/sums ] && cd / && sha256sum --status -c /root/sums || sha256sum --quiet -c /root/sums 2>/dev/null | sed 's/^/changed: /'
    ${become(MALLORY, HOME)} grep -rlsF ${SECRET} /etc /home /opt /root /run /srv /tmp /var | sed 's/^/readable: /'
    true`);
  return lines.split("\n").filter((line) => line !== "");
}
