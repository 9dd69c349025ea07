/**
 * Reads the chains that the rule judges: every directory and every link from / to what is used, from the outside
 * inwards, each by its own lstat(2) and none through a link that was not looked at. Nothing is written.
 */
import { lstatSync, readlinkSync } from "node:fs";
import { unlessRefused } from "../base/files/index.ts";
import { runSync } from "../base/process/index.ts";
import { needsList, unsafe, type Entry, type Principal } from "./rule.ts";

/** The kernel's own limit (path_resolution(7)). */
const MOST_LINKS = 40;

export interface Wanted {
  /** Directories that hold what is used: nothing in or below them may be anybody else's. */
  readonly directories: readonly string[];
  /** Files that are used, and directories above them that are only on the way. */
  readonly files: readonly string[];
}

export interface Unsafe {
  readonly entry: Entry;
  readonly why: string;
}

/** Everything on the way that others could change, the outermost first. What is not there is nobody's. */
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

/** @returns the path without a link in it; undefined when there is nothing at its end */
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
 * Neither runtime reads access lists, and of the programs on every host only the ls of GNU shows them: as a `+` after
 * the mode. Whatever else is called ls may stay silent.
 */
function readList(path: string): Entry["list"] {
  const shown = listing("-ldn", "--", path)[10];
  if (shown === "+") return "some";
  return shown !== undefined && listing("--version").includes("GNU coreutils") ? "none" : "unknown";
}

/** What ls says; nothing where there is none. */
function listing(...args: readonly string[]): string {
  const environment = { PATH: "/usr/bin:/bin", LC_ALL: "C" };
  return unlessRefused(() => runSync("ls", args, { cwd: "/", environment }).stdout) ?? "";
}
