/**
 * Checks the names in an archive. An unsafe name is refused and not repaired, because gantry writes none. Within one
 * archive no name may be repeated, be both file and directory, or differ from another only in case, so that the tree is
 * the same on every file system. Pure.
 */
import { parentsOf } from "../release/index.ts";
import type { Refuse } from "./archive-errors.ts";

/** The longest part of a path, in bytes: NAME_MAX of the usual file systems of Linux and macOS. */
const PART_BYTES = 255;
/** The longest path, in bytes: half of PATH_MAX. The other half is for the directory that is unpacked into. */
const PATH_BYTES = 2048;

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Decodes a name.
 * @throws what `refuse` makes, when it is not UTF-8
 */
export function parseName(bytes: Uint8Array, refuse: Refuse): string {
  try {
    return UTF8.decode(bytes);
  } catch {
    throw refuse(`the name ${quoted(Buffer.from(bytes).toString("latin1"))} is not UTF-8`);
  }
}

/** Why a path relative to the unpacking directory is unsafe, in words that follow its name; undefined when it is safe. */
export function findUnsafe(path: string): string | undefined {
  if (path === "") return "has no name";
  if (/\p{Cc}/u.test(path)) return "has a control character in its name";
  if (path.includes("\\")) return "has a backslash in its name";
  if (path.startsWith("/")) return "has an absolute name";
  if (Buffer.byteLength(path) > PATH_BYTES) return `has a name of more than ${PATH_BYTES} bytes`;
  for (const part of path.split("/")) {
    if (part === "..") return "leads out of its directory (..)";
    if (part === "" || part === ".") return 'has an empty or "." part in its name';
    if (Buffer.byteLength(part) > PART_BYTES)
      return `has a part of more than ${PART_BYTES} bytes in its name`;
  }
  return undefined;
}

/** A name as messages show it. formatFinding replaces its control characters. */
export function quoted(name: string): string {
  return `"${name.length > 200 ? `${name.slice(0, 200)}…` : name}"`;
}

interface Taken {
  readonly path: string;
  readonly kind: "file" | "directory";
  /** True when it has an entry of its own; false when it is only a parent of one. */
  named: boolean;
}

export interface NameTable {
  /**
   * Adds a safe name and its parents.
   * @returns the directories to make, the topmost first; for a directory also its own path
   * @throws what `refuse` makes, for a taken name and for more names than there may be
   */
  readonly take: (path: string, kind: Taken["kind"]) => readonly string[];
}

/** @param limit the most names that are accepted, including the parent directories of entries */
export function createNameTable(limit: number, refuse: Refuse): NameTable {
  const taken = new Map<string, Taken>();
  const add = (path: string, kind: Taken["kind"], named: boolean): boolean => {
    const key = caseless(path);
    const other = taken.get(key);
    if (other === undefined) {
      if (taken.size >= limit) throw refuse(`it has more than ${limit} entries`);
      taken.set(key, { path, kind, named });
      return true;
    }
    if (other.path !== path) {
      throw refuse(`${quoted(path)} and ${quoted(other.path)} are the same name where case does not count`);
    }
    if (other.kind !== kind) throw refuse(`${quoted(path)} is a file and a directory`);
    if (named && other.named) throw refuse(`${quoted(path)} comes twice`);
    other.named ||= named;
    return false;
  };
  return {
    take: (path, kind) => {
      const fresh = parentsOf(path).filter((parent) => add(parent, "directory", false));
      const isNew = add(path, kind, true);
      return isNew && kind === "directory" ? [...fresh, path] : fresh;
    },
  };
}

/** A key that is equal for names that differ only in case. Upper case comes first, which makes ſ and s, ς and σ equal. */
function caseless(path: string): string {
  return path.normalize("NFC").toUpperCase().toLowerCase().normalize("NFC");
}
