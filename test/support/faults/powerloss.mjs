// Pulls the plug on a release that lies on a file system of its own, in a file: nothing more reaches that disk, the
// release's processes die, and the journal is replayed by the next mount. Needs root, loop devices and xfs_io(8).
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { runPlainly } from "./inject.mjs";
import { readTree } from "./sweep.mjs";

/**
 * @typedef {import("./inject.mjs").Point} Point
 * @typedef {import("./sweep.mjs").Subject} Subject
 * @typedef {{ image: string, mountPoint: string, root: string, dispose: () => void }} Disk
 */

/** @type {readonly ("ext4" | "xfs")[]} */
export const FILE_SYSTEMS = ["ext4", "xfs"];

/** @param {string} program @param {string[]} args @returns {boolean} */
function works(program, ...args) {
  return spawnSync(program, args, { stdio: "ignore" }).status === 0;
}

/** @param {string} program @param {string[]} args */
function must(program, ...args) {
  const { status, stderr } = spawnSync(program, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr}`);
}

/**
 * A new file system with a release on it; undefined where none can be mounted from a file.
 * @param {"ext4" | "xfs"} type @param {Subject} subject @param {string} work @returns {Disk | undefined}
 */
export function makeDisk(type, subject, work) {
  const image = join(work, `${type}.img`);
  const mountPoint = join(work, type);
  mkdirSync(mountPoint);
  must("truncate", "-s", "400M", image);
  if (!works(`mkfs.${type}`, "-q", image) || !works("mount", "-o", "loop", image, mountPoint)) {
    rmSync(image);
    return undefined;
  }
  const root = join(mountPoint, "release");
  const dispose = () => {
    must("umount", mountPoint);
    rmSync(image);
  };
  try {
    cpSync(subject.root, root, { recursive: true });
    must("sync", "-f", mountPoint);
  } catch (error) {
    dispose();
    throw error;
  }
  return { image, mountPoint, root, dispose };
}

/**
 * strace stops the process after the call; then the plug is pulled and everything that runs there killed. Threads share
 * the calls as they like, so that a run may pass the place: then it ends, and the plug is pulled right after (status 3).
 */
const PULL = `strace -f -qq -o "$1" -e trace="$2" -e inject="$2:signal=STOP:when=$3" "$4" prepare >/dev/null 2>&1 &
tracer=$!
until grep -q 'stopped by SIGSTOP' "$1" 2>/dev/null; do
  kill -0 $tracer 2>/dev/null || { wait $tracer || exit 4; xfs_io -x -c shutdown "$5"; rm -f "$1"; exit 3; }
  sleep 0.02
done
xfs_io -x -c shutdown "$5"
for thread in $(sed -n 's/^\\([0-9]*\\) *--- stopped by SIGSTOP.*/\\1/p' "$1"); do kill -9 $thread 2>/dev/null; done
wait $tracer
rm -f "$1"`;

/**
 * Cuts the power in the middle of `./gantry prepare`, or right after it returned 0.
 * @param {Disk} disk @param {Subject} subject @param {Point | "done"} point @returns {string | undefined} what went wrong
 */
export function cutPower(disk, subject, point) {
  const where = point === "done" ? "after prepare" : `at ${point.call} ${point.nth} (${point.stage})`;
  const { image, mountPoint, root } = disk;
  const { cwd, env } = subject.start;
  rmSync(join(root, "node_modules"), { recursive: true, force: true });
  for (const name of readdirSync(root))
    if (name.startsWith(".gantry")) rmSync(join(root, name), { recursive: true });
  must("sync", "-f", mountPoint);
  let passed = point === "done";
  if (point === "done") {
    const prepared = runPlainly({ argv: [join(root, "gantry"), "prepare"], cwd, env });
    if (prepared.status !== 0) return `${where}: it failed: ${prepared.stderr}`;
    must("xfs_io", "-x", "-c", "shutdown", mountPoint);
  } else {
    const args = [`${image}.trace`, point.call, String(point.nth), join(root, "gantry"), mountPoint];
    const { status } = spawnSync("/bin/sh", ["-c", PULL, "sh", ...args], {
      cwd,
      env: { ...env, PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
    });
    if (status === 4) return `${where}: prepare failed`;
    passed = status === 3;
  }
  replay(disk);
  return examine(disk, subject, passed, where);
}

/**
 * Mounts anew once the old mount is really gone: a mount namespace that somebody made meanwhile has a copy of it, and
 * as long as that lives a new mount would be the dead one again.
 * @param {Disk} disk
 */
function replay({ image, mountPoint }) {
  must("umount", mountPoint);
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let waits = 0; spawnSync("losetup", ["-j", image]).stdout.length > 0; waits += 1) {
    if (waits > 1200) throw new Error(`something still holds ${image}`);
    Atomics.wait(pause, 0, 0, 50);
  }
  must("mount", "-o", "loop", image, mountPoint);
}

/** @param {Disk} disk @param {Subject} subject @param {boolean} done prepare had returned 0 @param {string} where */
function examine({ root }, subject, done, where) {
  const { cwd, env, argv } = subject.start;
  const start = { argv: argv.map((word) => word.replace(subject.root, root)), cwd, env };
  const stamps = join(root, "node_modules/.gantry");
  const believed = existsSync(stamps) && readdirSync(stamps).some((name) => !name.startsWith(".draft-"));
  if (done && !believed) return `${where}: the tree was not there any more`;
  // A tree that is believed is whole before anything may mend it; any other becomes so.
  if (believed && readTree(root).join("\n") !== subject.tree.join("\n")) return `${where}: believed and torn`;
  if (believed && runPlainly({ ...start, argv: [join(root, "gantry"), "verify"] }).status !== 0)
    return `${where}: believed, and verify says no`;
  const first = runPlainly(start);
  if (first.status !== 0 || first.stdout !== subject.answer)
    return `${where}: the next start: ${JSON.stringify(first)}`;
  if (done && first.stderr !== "") return `${where}: was not ready: ${first.stderr}`;
  if (readTree(root).join("\n") !== subject.tree.join("\n")) return `${where}: the tree is another one`;
  return undefined;
}
