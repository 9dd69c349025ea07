/**
 * Who could change what is about to be run? Code is run only from a chain of directories, links and files that nobody
 * but root and the running user can change. Pure: read.ts reads the facts, templates/trust.sh holds the same rule for
 * the moment before anything of a release has run.
 *
 * A chain is judged from / downwards. What lies in a directory that passed cannot be replaced by anybody else any more,
 * so the facts of one component after the other stay true, and no race can turn them.
 */

export interface Entry {
  /** Where it lies, no link on the way to it. */
  readonly path: string;
  readonly kind: "directory" | "file" | "link" | "other";
  readonly uid: number;
  readonly gid: number;
  /** Permission bits, with the sticky one. */
  readonly mode: number;
  /** `leads`: a directory that is only on the way; others may have entries of their own in it when it is sticky. */
  readonly role: "holds" | "leads";
  /**
   * Does an access list (acl(5)) name somebody else? Asked only where the group may write: the group's bits are the mask
   * of such a list, so without write in them nobody whom it names may write.
   */
  readonly list: "none" | "some" | "unknown";
}

/** Whom what is run may belong to, besides root. */
export interface Principal {
  readonly uid: number;
  readonly gid: number;
  /** Group 0, and that of this user alone. */
  readonly ownGroups: ReadonlySet<number>;
}

/**
 * In a container whatever the user is, it is in group 0 (OpenShift, "Support arbitrary user ids"): there the files of
 * group 0 are the running user's own. On a host nobody but root has it as the group that he runs with.
 */
function isAnyUser({ uid, gid }: Principal): boolean {
  return uid !== 0 && gid === 0;
}

/** Whether the group's right to write harms depends on an access list. */
export function needsList(entry: Omit<Entry, "list">, principal: Principal): boolean {
  return isOpenToGroup(entry) && isOwnGroup(entry, principal) && !isAnyUser(principal);
}

/** Why others can change it, in words that follow its path; undefined when nobody can. */
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

/** Nobody may rename or remove what others have in a sticky directory (inode(7)). */
function isSticky({ kind, role, mode }: Omit<Entry, "list">): boolean {
  return kind === "directory" && role === "leads" && (mode & 0o1000) !== 0;
}

function isOwnGroup({ gid }: Omit<Entry, "list">, { ownGroups }: Principal): boolean {
  return ownGroups.has(gid);
}

/** `755`, `1777`. */
export function formatMode(mode: number): string {
  return mode.toString(8).padStart(3, "0");
}
