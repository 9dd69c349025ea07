/**
 * Reads the netrc file, in which curl, git and others find users and passwords: machine, login, password and default,
 * with quoted words as curl reads them. It skips macdef. A file that other users can read is refused.
 */
import { closeSync, fstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { GantryError } from "../../base/errors.ts";
import type { Environment } from "../../base/environment.ts";
import type { Login } from "../address.ts";
import { openRegularFile } from "../../base/files/index.ts";

/**
 * The entry for a host in $NETRC or ~/.netrc.
 * @param entries `named` skips the `default` entry
 * @throws GantryError PERMISSION_DENIED when a file with an entry for the host can be read by others, CONFIG_INVALID
 *   when $NETRC names a file that cannot be read
 */
export function readNetrc(
  hostname: string,
  environment: Environment,
  entries: "named" | "default too" = "default too",
): Login | undefined {
  const named = environment["NETRC"] ?? "";
  const home = environment["HOME"] ?? "";
  if (named === "" && home === "") return undefined;
  const path = named === "" ? join(home, ".netrc") : named;
  const file = readWithMode(path, named === "" ? "optional" : "required");
  if (file === undefined) return undefined;
  const login = parseNetrc(file.text, hostname, entries);
  if (login !== undefined && (file.mode & 0o077) !== 0) {
    throw new GantryError({
      code: "PERMISSION_DENIED",
      what: `the netrc file with the password for ${hostname} can be read or changed by others (mode ${(file.mode & 0o777).toString(8)})`,
      where: path,
      fix: `chmod 600 ${path}`,
    });
  }
  return login;
}

function readWithMode(path: string, need: "optional" | "required") {
  let descriptor: number | undefined;
  try {
    descriptor = openRegularFile(path);
    return { mode: fstatSync(descriptor).mode, text: readFileSync(descriptor, "utf8") };
  } catch {
    if (need === "optional") return undefined;
    throw new GantryError({
      code: "CONFIG_INVALID",
      what: "NETRC names a file that cannot be read",
      where: path,
      fix: "correct the path, or unset the variable",
    });
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** Finds the entry for a host, or the default entry. Pure. */
export function parseNetrc(
  text: string,
  hostname: string,
  entries: "named" | "default too" = "default too",
): Login | undefined {
  const words: string[] = [];
  for (const [word, quoted] of text.replace(MACRO, "").matchAll(WORD)) {
    if (quoted !== undefined) words.push(quoted.replace(/\\(.)/g, "$1"));
    else if (!word.startsWith("#")) words.push(word);
  }
  let inside = false;
  let found: { user?: string; password?: string } | undefined;
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at];
    if (word === "machine" || word === "default") {
      if (found !== undefined) break;
      if (word === "machine") at += 1;
      inside =
        (word === "default" && entries === "default too") ||
        words[at]?.toLowerCase() === hostname.toLowerCase();
      if (inside) found = {};
    } else if (word === "login" || word === "password" || word === "account") {
      at += 1;
      if (!inside || found === undefined || word === "account") continue;
      found[word === "login" ? "user" : "password"] = words[at] ?? "";
    }
  }
  return found === undefined ? undefined : { user: found.user ?? "", password: found.password ?? "" };
}

/** Matches a macro: it ends at the next empty line, and may contain any word. */
const MACRO = /^\s*macdef\b[\s\S]*?(?:\n[ \t]*\n|$(?![\s\S]))/gm;

/** Matches a comment, a quoted word or a word. */
const WORD = /(?<=^|\s)(?:#[^\n]*|"((?:[^"\\]|\\.)*)"|\S+)/g;
