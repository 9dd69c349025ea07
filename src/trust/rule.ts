/**
 * The rule: code is run only from a path whose directories, links and file only root and the running user can change.
 * Pure: trust/read.ts reads the facts. templates/trust.sh has the same rule, for the time before anything of a release has
 * run.
 *
 * A path is judged from / downwards. Other users cannot replace an entry of a directory that passed. So each fact stays
 * true while the next component is read, and there is no race.
 */

export interface Entry {
  /** Its path, with no link in the directories. */
  readonly path: string;
  readonly kind: "directory" | "file" | "link" | "other";
  readonly uid: number;
  readonly gid: number;
  /** Permission bits and the sticky bit. */
  readonly mode: number;
  /**
   * `holds`: one of Wanted's directories, or in it. `leads`: only on a path; such a directory may be sticky, with
   * entries of other users in it.
   */
  readonly role: "holds" | "leads";
  /**
   * Whether it has an access list (acl(5)). Read only if the group may write: the group's bits are the list's mask, so
   * that without them no entry of the list allows writing.
   */
  readonly list: "none" | "some" | "unknown";
}

/** The user who, besides root, may own what is run, and the groups that may write. */
export interface Principal {
  readonly uid: number;
  readonly gid: number;
  /** Group 0, and the user's primary group if it has no other member. */
  readonly ownGroups: ReadonlySet<number>;
}

/**
 * Whether a user other than root runs with group 0. In containers with arbitrary user ids every user does (OpenShift,
 * "Support arbitrary user ids"), so that files of group 0 are the user's own. On a host only root runs with group 0.
 */
function isAnyUser({ uid, gid }: Principal): boolean {
  return uid !== 0 && gid === 0;
}

/** Whether the rule needs the access list: only when one of the user's own groups may write. */
export function needsList(entry: Omit<Entry, "list">, principal: Principal): boolean {
  return isOpenToGroup(entry) && isOwnGroup(entry, principal) && !isAnyUser(principal);
}

/** Why other users can change it, in words that follow its path; undefined when they cannot. */
export function unsafe(entry: Entry, principal: Principal): string | undefined {
  const { uid, gid, mode, kind } = entry;
  const shared = isAnyUser(principal) && gid === 0;
  if (uid !== 0 && uid !== principal.uid && !shared) return `is owned by user ${uid}`;
  if (kind === "link" || isSticky(entry)) return undefined;
  if (kind === "other") return "is neither a file nor a directory";
  if ((mode & 0o002) !== 0) return "can be written by everybody";
  if (!isOpenToGroup(entry)) return undefined;
  if (!isOwnGroup(entry, principal)) return `can be written by group ${gid}`;
  if (shared || entry.list === "none") return undefined;
  return entry.list === "some"
    ? "can be written by whom its access list names"
    : `can be written by group ${gid}, and perhaps by whom an access list names`;
}

function isOpenToGroup(entry: Omit<Entry, "list">): boolean {
  return entry.kind !== "link" && !isSticky(entry) && (entry.mode & 0o020) !== 0;
}

/** In a sticky directory users cannot rename or remove other users' entries (inode(7)). */
function isSticky({ kind, role, mode }: Omit<Entry, "list">): boolean {
  return kind === "directory" && role === "leads" && (mode & 0o1000) !== 0;
}

function isOwnGroup({ gid }: Omit<Entry, "list">, { ownGroups }: Principal): boolean {
  return ownGroups.has(gid);
}

/** A mode in octal: `755`, `1777`. */
export function formatMode(mode: number): string {
  return mode.toString(8).padStart(3, "0");
}
