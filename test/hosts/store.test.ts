/**
 * Where the modules go on real file systems: read-only releases, stores of every kind, other users. Each script has a
 * mount namespace of its own; what it mounts is gone when it ends. Stores lie below /mnt, because none may lie in a
 * directory for temporary files. Releases are small real ones that carry their bundle, under their real start script.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { renderStubs } from "../../src/build/release/stub.ts";
import { parseManifest, releaseId } from "../../src/release/manifest.ts";
import { storeTreeName } from "../../src/release/store.ts";
import { makeFixture, type Fixture, type Run } from "../support/launcher/fixture.ts";

let fixture: Fixture;
let root = "";
let tree = "";
const made: string[] = [];
beforeAll(async () => {
  fixture = await makeFixture();
  chmodSync(fixture.directory, 0o755);
});
afterAll(() => fixture.dispose());
afterEach(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true });
});

/** A release with its start script and its bundle. */
const make = (change: { readonly name?: string } = {}): string => {
  root = fixture.make({ bundle: "vendored", manifest: (manifest) => ({ ...manifest, ...change }) });
  made.push(root);
  const text = readFileSync(join(root, "lib/release.json"), "utf8");
  const manifest = parseManifest(text, root);
  const stubs = renderStubs({
    manifest,
    base: "tiny-v1.2.3",
    releaseId: releaseId(text),
    launcher: ["launcher.mjs"],
    proven: [],
  });
  for (const [name, script] of Object.entries(stubs))
    writeFileSync(join(root, name), script, { mode: 0o755 });
  tree = storeTreeName(manifest.modules);
  return root;
};

const READ_ONLY = 'freeze() { mount --bind "$1" "$1"; mount -o remount,ro,bind "$1"; }\n';
const AS_USER = 'as_user() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }\n';

/** Runs a script as root in mounts of its own, with an empty store directory at /mnt that only root can write. */
const host = (script: string, ...args: readonly string[]): Run => {
  const lines = `mount -t tmpfs -o mode=755 tmpfs /mnt\n${READ_ONLY}${AS_USER}cd /\n${script}`;
  const { status, signal, stdout, stderr } = spawnSync(
    "unshare",
    ["--mount", "--propagation=private", "/bin/sh", "-ec", lines, "sh", ...args],
    {
      encoding: "utf8",
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/proc/nowhere", GANTRY_OFFLINE: "1" },
    },
  );
  return { code: status, signal, stdout, stderr };
};

const ANSWER = /^checksum \d+\n$/;

describe("a read-only release", () => {
  it.each([
    ["GANTRY_STORE", "/mnt/a", "/mnt/a"],
    ["STATE_DIRECTORY", "/mnt/a:/mnt/b", "/mnt/a"],
    ["CACHE_DIRECTORY", "/mnt/a:/mnt/b", "/mnt/a"],
    ["XDG_CACHE_HOME", "/mnt/a", "/mnt/a"],
    ["HOME", "/mnt", "/mnt/.cache"],
  ])("keeps its modules in the store of %s=%s, and finds them again", (variable, value, store) => {
    const script = `freeze "$1"; export ${variable}=${value}; "$1/tiny"; "$1/tiny" 2>/mnt/second; test ! -s /mnt/second
      stat -c '%a %u' ${store} ${store}/gantry ${store}/gantry/*; ls ${store}/gantry`;
    const run = host(script, make());
    expect(run.stderr).toContain("from vendor/");
    const [first, second, ...rest] = run.stdout.trim().split("\n");
    expect(`${first}\n`).toMatch(ANSWER);
    expect(second).toBe(first);
    expect(rest).toEqual(["755 0", "755 0", "755 0", tree]);
    expect(existsSync(join(root, "node_modules"))).toBe(false);
  });

  it("of root's serves a user from the user's own cache, which is nobody else's", () => {
    const script = `mkdir /mnt/home; chown 65534 /mnt/home; export HOME=/mnt/home
      as_user "$1/tiny"; as_user "$1/tiny" 2>/mnt/second; test ! -s /mnt/second
      stat -c '%a %u' /mnt/home/.cache /mnt/home/.cache/gantry /mnt/home/.cache/gantry/*`;
    const run = host(script, make());
    expect(run.stdout.split("\n").slice(2, 5)).toEqual(["700 65534", "700 65534", "700 65534"]);
  });

  it("shares one copy between releases with the same modules, proven for each", () => {
    const first = make();
    const script = `freeze "$1"; freeze "$2"; export GANTRY_STORE=/mnt/a; "$1/tiny"; "$2/tiny"; ls /mnt/a/gantry | wc -l; ls /mnt/a/gantry/*/node_modules/.gantry | grep -cvx checked; find /mnt/a/gantry/*/.gantry-used -type f | wc -l`;
    const run = host(script, first, make({ name: "other" }));
    expect(run.stdout.trim().split("\n").slice(2)).toEqual(["1", "2", "2"]);
    expect(run.stderr.match(/installing/g)).toHaveLength(1);
  });

  it("is served by a store that root prepared and GANTRY_STORE names, without a write", () => {
    const script = `export GANTRY_STORE=/mnt/a; freeze "$1"; "$1/gantry" prepare; freeze /mnt
      as_user "$1/tiny"; as_user "$1/tiny"`;
    const run = host(script, make());
    expect(run).toMatchObject({ code: 0 });
    expect(run.stdout.trim().split("\n")).toHaveLength(2);
    expect(run.stderr.match(/installing/g)).toHaveLength(1);
  });
});

describe("a store that will not do", () => {
  const USER = "mkdir /mnt/home /mnt/a; chown 65534 /mnt/home /mnt/a; export HOME=/mnt/home\n";
  it.each([
    [
      "noexec",
      "mode=755,uid=65534,noexec",
      "STORE_NOEXEC",
      /GANTRY_STORE, \/mnt\/a\/gantry: no code can be loaded/,
    ],
    [
      "too small",
      "mode=755,uid=65534,size=64k",
      "DISK_FULL",
      /GANTRY_STORE, \/mnt\/a\/gantry: .* are free, and .* are needed/,
    ],
    [
      "out of inodes",
      "mode=755,uid=65534,nr_inodes=20",
      "DISK_FULL",
      /GANTRY_STORE, \/mnt\/a\/gantry: \d+ inodes are free, and \d+ are needed/,
    ],
    [
      "read-only",
      "mode=755,uid=65534,ro",
      "STORE_UNWRITABLE",
      /GANTRY_STORE, \/mnt\/a\/gantry: the file system is read-only \(EROFS\)/,
    ],
    [
      "another user's",
      "mode=755",
      "STORE_UNWRITABLE",
      /GANTRY_STORE, \/mnt\/a\/gantry: this user may not write to \/mnt\/a \(EACCES\)/,
    ],
    [
      "another user's, open to all",
      "mode=777",
      "STORE_UNSAFE",
      /GANTRY_STORE, \/mnt\/a\/gantry: \/mnt\/a can be written by everybody \(mode 777\)/,
    ],
  ] as const)("because it is %s is named, and the next one is taken", (_, options, code, reason) => {
    const script = `${USER}mount -t tmpfs -o ${options} tmpfs /mnt/a; export GANTRY_STORE=/mnt/a
      as_user "$1/tiny"; ls -A /mnt/home/.cache/gantry; unset HOME; ! as_user "$1/tiny"; ls -A /mnt/a >&2`;
    const run = host(script, make());
    expect(run.stdout).toMatch(/^checksum \d+\n[0-9a-f]{32}\n$/);
    expect(run.stderr).toMatch(reason);
    expect(run.stderr).toContain("; HOME is used instead");
    const finding = run.stderr.slice(run.stderr.indexOf(`gantry: ${code}: `));
    expect(finding).toMatch(/^gantry: \w+: the modules are not prepared, and there is no place/);
    expect(finding).toMatch(/beside the release, .*: this user may not write beside them \(EACCES\)/);
    expect(finding).toMatch(reason);
    expect(run.stderr).not.toContain(".gantry-work");
  });

  it("because it has no limit of inodes is taken all the same", () => {
    const script = `${USER}mount -t tmpfs -o mode=755,uid=65534,nr_inodes=0 tmpfs /mnt/a; GANTRY_STORE=/mnt/a as_user "$1/tiny"`;
    expect(host(script, make()).stdout).toMatch(ANSWER);
  });

  it("because it is for temporary files is refused by name, and by what it leads to", () => {
    const script = `${USER}ln -s /var/tmp /mnt/home/.cache; export GANTRY_STORE=/tmp/a XDG_CACHE_HOME=here
      ! as_user "$1/tiny"`;
    const { stderr } = host(script, make());
    expect(stderr).toContain("GANTRY_STORE, /tmp/a/gantry: /tmp is for temporary files");
    expect(stderr).toContain("XDG_CACHE_HOME, here/gantry: it is not an absolute path");
    expect(stderr).toContain("it leads to /var/tmp, and /var/tmp is for temporary files");
  });
});

describe("root", () => {
  it("takes nothing from a user's home, not even what looks proven", () => {
    const script = `mkdir /mnt/home; chown 65534 /mnt/home; export HOME=/mnt/home; as_user "$1/tiny" >/dev/null
      freeze "$1"; echo 'module.exports = { crc32: () => "planted" }' >"$(echo /mnt/home/.cache/gantry/*/node_modules/@node-rs/crc32/index.js)"
      touch -d 2001-01-01 /mnt/home/.cache/gantry/*/node_modules/@node-rs/crc32/index.js
      as_user "$1/tiny"; "$1/tiny"`;
    const run = host(script, make());
    // The user meets what the user changed: only a start that proves, or verify, would tell. Root does not.
    expect(run.stdout).toBe("checksum planted\n");
    expect(run).toMatchObject({ code: 73 });
    expect(run.stderr).toMatch(
      /STORE_UNSAFE: .*no place[\s\S]*\/mnt\/home is owned by user 65534 \(mode 755\)/,
    );
  });

  it.each([
    ["chown 1000 .", /: (\S+) is owned by user 1000 \(mode 755\)/, /fix {3}chown -R 0:0 (\S+) && /],
    ["chown 1000 lib", /: (\S+)\/lib is owned by user 1000 \(mode 755\)/, /fix {3}chown -R 0:0 (\S+) && /],
    ["chmod 777 lib", /: (\S+)\/lib can be written by everybody \(mode 777\)/, /&& chmod -R go-w (\S+) &&/],
    [
      "chgrp 100 . && chmod 775 .",
      /: (\S+) can be written by group 100 \(mode 775\)/,
      /&& chmod -R go-w (\S+) &&/,
    ],
  ])("refuses a release after %s, in every command that would run it", (damage, what, fix) => {
    make();
    spawnSync("/bin/sh", ["-c", damage], { cwd: root });
    for (const command of ["tiny", "gantry prepare", "gantry doctor"]) {
      const run = host(`"$1"/${command}`, root);
      expect(run).toMatchObject({ code: 73 });
      expect(run.stderr).toMatch(/^gantry: STORE_UNSAFE: root would run what others can change/m);
      expect(what.exec(run.stderr)?.[1]).toBe(root);
      expect(fix.exec(run.stderr)?.[1]).toBe(root);
    }
    expect(existsSync(join(root, "node_modules"))).toBe(false);
    const skipped = host('GANTRY_SKIP=STORE_UNSAFE "$1/tiny"', root);
    expect(skipped).toMatchObject({ code: 0 });
    expect(skipped.stderr).toContain("(skipped by GANTRY_SKIP)");
  });
});

describe("a prepared release", () => {
  /** System calls that change a file system, as far as they did. */
  const WRITES =
    "?creat,?mkdir,?mkdirat,?unlink,?unlinkat,?rename,?renameat,?renameat2,?rmdir,?link,?linkat,?symlink," +
    "?symlinkat,?chmod,?fchmod,?fchmodat,?chown,?fchown,?fchownat,?utimensat,?truncate,?ftruncate,?mknod,?mknodat,?setxattr";
  const TRACE = `trace() { strace -f -qq -e trace=open,openat,${WRITES} -o /mnt/trace "$@"; grep -v ' = -1 ' /mnt/trace |
    grep -E 'O_(WRONLY|RDWR|CREAT|TRUNC)|^[0-9]+ +(creat|mkdir|unlink|rename|rmdir|link|symlink|f?chmod|f?chown|utimens|f?truncate|mknod|setxattr)' |
    grep -v '"/dev/' >&2 || :; }\n`;

  it.each([
    ["beside it", ""],
    ["in a store", 'freeze "$1"; export GANTRY_STORE=/mnt/a'],
  ])("with its modules %s starts without one write", (_, prepare) => {
    const run = host(`${TRACE}${prepare}\n"$1/gantry" prepare 2>/dev/null; trace "$1/tiny"`, make());
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(run.stdout).toMatch(ANSWER);
  });

  it("starts where everything is read-only, release and store, again and again", () => {
    const script = `export GANTRY_STORE=/mnt/a; freeze "$1"; "$1/gantry" prepare 2>/dev/null
      mount -o remount,ro /mnt; mount -o remount,bind,ro /
      "$1/tiny"; "$1/tiny"; rm -r /mnt/a 2>/dev/null || echo "nothing can be removed"`;
    const run = host(script, make());
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(run.stdout).toMatch(/^(checksum \d+)\n\1\nnothing can be removed\n$/);
  });

  it("starts from a read-only store without stamps by proving it each time", () => {
    const script = `export GANTRY_STORE=/mnt/a; freeze "$1"; "$1/gantry" prepare 2>/dev/null
      rm -r /mnt/a/gantry/*/node_modules/.gantry; mount -o remount,ro /mnt; "$1/tiny"; "$1/tiny"`;
    const run = host(script, make());
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(run.stdout).toMatch(/^(checksum \d+)\n\1\n$/);
  });

  it("with damaged modules that cannot be repaired in place takes them from a store", () => {
    make();
    expect(host('"$1/gantry" prepare', root)).toMatchObject({ code: 0 });
    const native = "node_modules/bcrypt/prebuilds/linux-x64/bcrypt.glibc.node";
    const script = `echo damage >>"$1/${native}"; touch -d 2099-01-01 "$1/${native}"; freeze "$1"
      export GANTRY_STORE=/mnt/a; "$1/tiny"; "$1/tiny" 2>/mnt/second; test ! -s /mnt/second; ls /mnt/a/gantry`;
    const run = host(script, root);
    expect(run.stderr).toMatch(/bcrypt .* is not as it was built.*, and it cannot be mended there/);
    expect(run.stdout).toMatch(/^(checksum \d+)\n\1\n[0-9a-f]{32}\n$/);
  });
});

it("twenty starts at once of a fresh release make one copy in the store", () => {
  const script = `export GANTRY_STORE=/mnt/a; freeze "$1"
    for i in $(seq 20); do "$1/tiny" >/mnt/out.$i & done; wait; cat /mnt/out.*; ls -A /mnt/a/gantry/*`;
  const run = host(script, make());
  const lines = run.stdout.trim().split("\n");
  expect(new Set(lines.slice(0, 20)).size).toBe(1);
  expect(lines.slice(20)).toEqual([".gantry-used", "node_modules"]);
  expect(run.stderr.match(/installing/g)).toHaveLength(1);
});

it("a release that was moved, or is started by a link, is in the store's references", () => {
  const script = `export GANTRY_STORE=/mnt/a; ln -s "$1" /mnt/link; freeze "$1"; /mnt/link/tiny 2>/dev/null
    strace -f -qq -e trace=execve -o /mnt/trace /mnt/link/tiny; grep -c lib/tiny /mnt/trace
    cd /mnt/a/gantry/*/.gantry-used; find . -type f | sed 's,/[^/]*$,,' | sort`;
  const run = host(script, make());
  expect(run.stderr).toBe("");
  const [first, second, programs, ...roots] = run.stdout.trim().split("\n");
  expect(second).toBe(first);
  // The app, and no launcher before it, which is the same program.
  expect(programs).toBe("1");
  expect(roots).toEqual(["./mnt/link", `.${root}`]);
});

describe("./gantry clean", () => {
  const STORE =
    'export GANTRY_STORE=/mnt/a; freeze "$1"; freeze "$2"; "$1/gantry" prepare 2>/dev/null; "$2/gantry" prepare 2>/dev/null\n';
  const LIST = "ls -A /mnt/a/gantry";

  it("keeps what a release uses, and removes what none uses any more", () => {
    const first = make();
    const second = make({ name: "other" });
    const script = `${STORE}"$1/gantry" clean; ${LIST}; umount "$2"; rm -r "$2"; "$1/gantry" clean >/dev/null; ${LIST}
      echo "$(sed 's/"1[.]2[.]3"/"1.2.4"/' "$1/lib/release.json")" >/mnt/release.json; mount --bind /mnt/release.json "$1/lib/release.json"
      "$1/gantry" clean --dry-run >&2; ${LIST}; "$1/gantry" clean --json >&2; ${LIST} | wc -l`;
    const run = host(script, first, second);
    expect(run.stdout).toContain(`kept /mnt/a/gantry/${tree}`);
    expect(run.stdout.match(new RegExp(`^${tree}$`, "gm"))).toHaveLength(3);
    expect(run.stdout.endsWith("\n0\n")).toBe(true);
    expect(run.stderr).toMatch(
      /would\n {2}remove \/mnt\/a\/gantry\/[0-9a-f]{32} \(.*\): no installed release uses it/,
    );
    expect(run.stderr).toMatch(/"outcome": "done"/);
  });

  it("keeps trees that processes, other hosts or preparations use; removes leftovers", () => {
    mkdirSync(join(make(), "spare"));
    const script = `export GANTRY_STORE=/mnt/a; freeze "$1"; "$1/gantry" prepare 2>/dev/null; tree=$(echo /mnt/a/gantry/*)
      mkdir $tree/.gantry-work-dead $tree/.gantry-old-dead; "$1/gantry" clean >/dev/null; ls -A $tree
      used=$tree/.gantry-used; note=$(basename $(find $used -type f)); rm -r $used/*; mkdir $used/gone; touch $used/gone/$note
      GANTRY_MODULES=$tree/node_modules sleep 60 & user=$!; "$1/gantry" clean; kill $user; wait $user 2>/dev/null || :
      mv $used/gone/$note $used/gone/0123456789abcdef-elsewhere; "$1/gantry" clean
      mv $used/gone/0123456789abcdef-elsewhere $used/gone/$note
      "$1/gantry" clean --dry-run; "$1/gantry" clean; ${LIST} | wc -l`;
    const run = host(script, root);
    expect(run.stderr).toBe("");
    expect(run.stdout).toMatch(
      /^\.gantry-used\nnode_modules\nthere is nothing to remove\nkept .*: a process runs from it\n/,
    );
    expect(run.stdout).toMatch(/used by \/gone on another host \(elsewhere\)\n/);
    expect(run.stdout).toMatch(/\n {2}\/mnt\/a\/gantry\/\w+ \(.*\): no installed release uses it\n0\n$/);
  });
});
