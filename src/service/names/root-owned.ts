/**
 * Checks the directories and files of a service that must belong to root. A person who could change one of them could
 * choose what root runs. Every command of a service that root runs checks them first. For a path that does not exist
 * yet, the directories above it are checked.
 */
import { readOwnUser } from "../../base/process/index.ts";
import { join } from "node:path";
import { GantryError, type Finding } from "../../base/errors.ts";
import type { Environment } from "../../base/environment.ts";
import { NAMES } from "../../release/index.ts";
import { shellWord } from "../../base/text.ts";
import { readPrincipal, readUnsafe, unsafeLine, type Unsafe } from "../../trust/index.ts";
import type { ServiceLayout } from "../service-layout.ts";

/**
 * Checks that only root can change the paths of a service.
 * @param environment with SUDO_UID in it, the command in the fix begins with sudo, because a user who is not root
 *   reads it
 * @returns what others could change, with a command that makes it safe; undefined when there is nothing
 */
export function checkOwned(layout: ServiceLayout, environment: Environment): Finding | undefined {
  const { opt, releases, etc, state, units, runUnits, current, fallback, env, lock, sysusers } = layout;
  return describe(
    readUnsafe(
      {
        directories: [opt, releases, etc, join(state, ".."), state, units, runUnits],
        files: [current, fallback, env, lock, sysusers].flatMap((path) => [path, join(path, NAMES.gantry)]),
      },
      readPrincipal(0),
    ),
    environment["SUDO_UID"] === undefined ? "" : "sudo ",
  );
}

/**
 * Checks a generation's launcher script before root runs it.
 * @throws GantryError STORE_UNSAFE
 */
export function requireOwnScript(root: string): void {
  const wanted = { directories: [root], files: [join(root, NAMES.gantry)] };
  const finding = describe(readUnsafe(wanted, readPrincipal(readOwnUser().uid)), "");
  if (finding !== undefined) throw new GantryError(finding);
}

/**
 * The finding about the paths that others could change.
 * @param sudo the prefix of a command that root has to run
 */
function describe([first, ...rest]: readonly Unsafe[], sudo: "" | "sudo "): Finding | undefined {
  if (first === undefined) return undefined;
  return {
    code: "STORE_UNSAFE",
    what: `root would work in what others can change: ${unsafeLine(first)}`,
    where: first.entry.path,
    detail: rest.slice(0, 10).map(unsafeLine),
    fix: safeCommand([first, ...rest], sudo),
  };
}

/**
 * A command that makes the paths safe. A path that another user owns is renamed, because its contents cannot be
 * trusted. A path that root owns gets a mode by which others cannot write.
 */
function safeCommand(found: readonly Unsafe[], sudo: string): string {
  const foreign = found.filter(({ entry }) => entry.uid !== 0).map(({ entry }) => entry.path);
  const outermost = foreign.filter((path) => !foreign.some((other) => path.startsWith(`${other}/`)));
  const open = found
    .filter(({ entry }) => entry.uid === 0 && !foreign.some((path) => entry.path.startsWith(`${path}/`)))
    .map(({ entry }) => shellWord(entry.path));
  return [
    ...outermost.map((path) => `${sudo}mv ${shellWord(path)} ${shellWord(`${path}.untrusted`)}`),
    ...(open.length === 0 ? [] : [`${sudo}chmod go-w ${open.join(" ")}`]),
  ].join(" && ");
}
