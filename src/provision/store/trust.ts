/**
 * Who else could change what is about to be run? Owner and mode of every directory on the way to it decide. The rules
 * are pure; reading is one stat for each directory.
 */
import { realpathSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { errorCode, isMissing, type Finding } from "../../errors.ts";

export interface PathFacts {
  readonly path: string;
  readonly uid: number;
  readonly gid: number;
  /** Permission bits, with the sticky one. */
  readonly mode: number;
  /** `leads`: only the way to what is used; others may have entries of their own in it when it is sticky. */
  readonly role: "holds" | "leads";
}

/**
 * What is wrong with a directory for root, who must not run what another user can change. Group 0 is root's own.
 * A sticky directory (`/tmp`) lets nobody rename or remove what is root's, so it may lead, not hold.
 */
export function unsafeForRoot({ uid, gid, mode, role }: PathFacts): string | undefined {
  if (uid !== 0) return `is owned by user ${uid}`;
  if (role === "leads" && (mode & 0o1000) !== 0) return undefined;
  if ((mode & 0o002) !== 0) return "can be written by everybody";
  return (mode & 0o020) !== 0 && gid !== 0 ? `can be written by group ${gid}` : undefined;
}

/**
 * For everybody else: a directory of another user that still others can write belongs to whoever came last. Group 0 is no
 * stranger here either: in a container whatever the user is, it is the group (OpenShift, "Support arbitrary user ids").
 */
export function unsafeForUser({ uid, gid, mode, role }: PathFacts, user: number): string | undefined {
  const others = gid === 0 ? 0o002 : 0o022;
  if (role === "leads" || uid === user || (mode & others) === 0) return undefined;
  return `is owned by user ${uid} and can be written by others`;
}

/** `755`, `1777`. */
export function formatMode(mode: number): string {
  return mode.toString(8).padStart(3, "0");
}

/** Facts of those paths that exist; `leads` are the directories above them, as named and as they really are. */
export function readPathFacts(holds: readonly string[]): PathFacts[] {
  const real = holds.flatMap((path) => realPath(path) ?? []);
  const named = new Set([...holds, ...real]);
  const leads = new Set([...named].flatMap(parentsOf).filter((path) => !named.has(path)));
  return [
    ...[...leads].toSorted((a, b) => a.length - b.length).flatMap((path) => readFacts(path, "leads")),
    ...[...named].flatMap((path) => readFacts(path, "holds")),
  ];
}

function parentsOf(path: string): string[] {
  const parent = dirname(path);
  return parent === path ? [] : [parent, ...parentsOf(parent)];
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return undefined;
  }
}

function readFacts(path: string, role: PathFacts["role"]): PathFacts[] {
  try {
    const { uid, gid, mode } = statSync(path);
    return [{ path, uid, gid, mode: mode & 0o7777, role }];
  } catch (error) {
    if (isMissing(error) || errorCode(error) === "EACCES") return [];
    throw error;
  }
}

/**
 * One finding about everything that root must not use, with the commands that mend it. Pure.
 * @param root the directory that would be mended whole: the release's, or the store's
 */
export function planTrust(facts: readonly PathFacts[], root: string): Finding | undefined {
  const unsafe = facts.filter((fact) => unsafeForRoot(fact) !== undefined);
  const [first, ...rest] = unsafe;
  if (first === undefined) return undefined;
  const line = (fact: PathFacts) =>
    `${fact.path} ${unsafeForRoot(fact) ?? ""} (mode ${formatMode(fact.mode)})`;
  const owner = unsafe.find(({ uid }) => uid !== 0)?.uid;
  const other = owner === undefined ? "" : `; or run it as user ${owner} instead of root`;
  return {
    code: "STORE_UNSAFE",
    what: `root would run what others can change: ${line(first)}`,
    where: first.path,
    detail: rest.map(line),
    fix:
      `${mend(unsafe, root)}${other}; where it is meant to be so (a container with a directory mounted into ` +
      "it), set GANTRY_SKIP=STORE_UNSAFE",
  };
}

/** Whole below the root; above it, what root owns loses bits, and what a user owns stays the user's. */
function mend(unsafe: readonly PathFacts[], root: string): string {
  const inside = unsafe.filter(({ path }) => path === root || path.startsWith(`${root}/`));
  const above = unsafe.filter((fact) => !inside.includes(fact));
  const foreign = (facts: readonly PathFacts[]) => facts.some(({ uid }) => uid !== 0);
  const open = ({ uid, mode }: PathFacts) => uid === 0 && (mode & 0o022) !== 0;
  const home = above.find(({ uid }) => uid !== 0);
  return [
    ...(home === undefined
      ? []
      : [`move ${root} out of ${home.path}, to a directory of root's such as /opt`]),
    ...(foreign(inside) ? [`chown -R root:root ${root}`] : []),
    ...(inside.some(({ mode }) => (mode & 0o022) !== 0) ? [`chmod -R go-w ${root}`] : []),
    ...above.filter(open).map(({ path }) => `chmod go-w ${path}`),
  ].join("; ");
}
