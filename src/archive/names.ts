/**
 * Which names an archive may use. A name is refused, never repaired: gantry itself writes no name that
 * needs it. Within one archive no name may come twice, be a file and a directory, or differ from another in case alone,
 * so that the tree is the same on every file system. Pure.
 */
import { parentsOf } from "../release/index.ts";
import type { Refuse } from "./refuse.ts";

/** NAME_MAX of every file system that Linux and macOS put modules on, in bytes. */
const PART_BYTES = 255;
/** Half of PATH_MAX, in bytes: the other half is for the directory that is unpacked into. */
const PATH_BYTES = 2048;

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Text of a header's name.
 * @throws what `refuse` makes, when it is not UTF-8
 */
export function parseName(bytes: Uint8Array, refuse: Refuse): string {
  try {
    return UTF8.decode(bytes);
  } catch {
    throw refuse(`the name ${quoted(Buffer.from(bytes).toString("latin1"))} is not UTF-8`);
  }
}

/** Why a path relative to the unpacking directory is no safe one, or undefined. */
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

/** A name as messages show it; control characters are left to formatFinding. */
export function quoted(name: string): string {
  return `"${name.length > 200 ? `${name.slice(0, 200)}…` : name}"`;
}

interface Taken {
  readonly path: string;
  readonly kind: "file" | "directory";
  /** True when an entry of its own names it, and not only a path below it. */
  named: boolean;
}

export interface NameTable {
  /**
   * Takes a safe name and its parents.
   * @returns the directories that have to be made first, the topmost first; for a directory its own path too
   * @throws what `refuse` makes, for a taken name and for more names than there may be
   */
  readonly take: (path: string, kind: Taken["kind"]) => readonly string[];
}

/** @param limit how many names there may be, directories that are only implied counted */
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

/** Upper case first: it also brings together letters whose lower cases differ (ſ and s, ς and σ). */
function caseless(path: string): string {
  return path.normalize("NFC").toUpperCase().toLowerCase().normalize("NFC");
}
