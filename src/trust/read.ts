/**
 * Reads the facts that the rule judges: every directory and link on a path, from / to its end, each by its own lstat(2).
 * A link is followed only after it was judged. Nothing is written.
 */
import { lstatSync, readlinkSync } from "node:fs";
import { unlessRefused } from "../base/files/index.ts";
import { runSync } from "../base/process/index.ts";
import { needsList, unsafe, type Entry, type Principal } from "./rule.ts";

/** The most links in a path: the kernel's own limit (path_resolution(7)). */
const MOST_LINKS = 40;

export interface Wanted {
  /** Directories that hold what is used: no other user may be able to add or change an entry in them. */
  readonly directories: readonly string[];
  /** Files that are used. The directories on the path to them may be sticky, such as /tmp. */
  readonly files: readonly string[];
}

export interface Unsafe {
  readonly entry: Entry;
  readonly why: string;
}

/** Everything on the paths that other users could change, the outermost first. Missing paths are skipped. */
export function readUnsafe(wanted: Wanted, principal: Principal): Unsafe[] {
  const seen = new Map<string, Facts>();
  const bases = wanted.directories.flatMap((path) => walk(path, seen) ?? []);
  for (const path of wanted.files) walk(path, seen);
  const isInside = (path: string) => bases.some((base) => path === base || path.startsWith(`${base}/`));
  return [...seen].flatMap(([path, facts]) => {
    if (facts === undefined) return [];
    const known = { path, ...facts, role: isInside(path) ? ("holds" as const) : ("leads" as const) };
    const entry = { ...known, list: needsList(known, principal) ? readList(path) : ("none" as const) };
    const why = unsafe(entry, principal);
    return why === undefined ? [] : [{ entry, why }];
  });
}

type Facts = Pick<Entry, "kind" | "uid" | "gid" | "mode"> | undefined;

/** @returns the path with all links resolved; undefined when it does not exist */
function walk(path: string, seen: Map<string, Facts>): string | undefined {
  look("/", seen);
  const todo = path.split("/").toReversed();
  let done = "";
  let links = 0;
  for (let name = todo.pop(); name !== undefined; name = todo.pop()) {
    if (name === "" || name === ".") continue;
    if (name === "..") {
      done = done.slice(0, Math.max(0, done.lastIndexOf("/")));
      continue;
    }
    const next = `${done}/${name}`;
    const facts = look(next, seen);
    if (facts === undefined) return undefined;
    if (facts.kind !== "link") {
      done = next;
      continue;
    }
    links += 1;
    const target = links > MOST_LINKS ? undefined : readTarget(next);
    if (target === undefined) return undefined;
    if (target.startsWith("/")) done = "";
    todo.push(...target.split("/").toReversed());
  }
  return done === "" ? "/" : done;
}

function look(path: string, seen: Map<string, Facts>): Facts {
  if (!seen.has(path)) seen.set(path, readFacts(path));
  return seen.get(path);
}

function readFacts(path: string): Facts {
  const facts = unlessRefused(() => lstatSync(path));
  if (facts === undefined) return undefined;
  const { uid, gid, mode } = facts;
  const kind = facts.isDirectory()
    ? "directory"
    : facts.isFile()
      ? "file"
      : facts.isSymbolicLink()
        ? "link"
        : "other";
  return { kind, uid, gid, mode: mode & 0o7777 };
}

function readTarget(path: string): string | undefined {
  return unlessRefused(() => readlinkSync(path));
}

/**
 * Whether a file has an access list, by the `+` that GNU ls prints after the mode. Neither Node nor Bun reads access
 * lists, and other implementations of ls may not show them.
 */
function readList(path: string): Entry["list"] {
  const shown = listing("-ldn", "--", path)[10];
  if (shown === "+") return "some";
  return shown !== undefined && listing("--version").includes("GNU coreutils") ? "none" : "unknown";
}

/** The output of `ls`; empty when there is no ls. */
function listing(...args: readonly string[]): string {
  const environment = { PATH: "/usr/bin:/bin", LC_ALL: "C" };
  return unlessRefused(() => runSync("ls", args, { cwd: "/", environment }).stdout) ?? "";
}
