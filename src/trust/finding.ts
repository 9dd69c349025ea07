/** The finding about paths that other users could change, and the command that makes them safe. Pure. */
import { basename } from "node:path";
import type { Finding } from "../base/errors.ts";
import { shellWord } from "../base/text.ts";
import type { Unsafe } from "./read.ts";
import { formatMode, type Principal } from "./rule.ts";

export interface Purpose {
  /** The release's root directory. */
  readonly root: string;
  /** The command to run once the release is safe, relative to `root`. */
  readonly command: string;
}

const ESCAPE =
  "where nobody else uses this machine, as in a container, GANTRY_SKIP=STORE_UNSAFE allows it as it is";

/** `/opt/app is owned by user 1000 (mode 755)`. */
export function unsafeLine({ entry, why }: Unsafe): string {
  return `${entry.path} ${why} (mode ${formatMode(entry.mode)})`;
}

/** How many further paths a finding names. */
const NAMED = 10;

/** One finding about all unsafe paths; undefined when there is none. */
export function trustFinding(
  found: readonly Unsafe[],
  principal: Principal,
  purpose: Purpose,
): Finding | undefined {
  const [first, ...rest] = found;
  if (first === undefined) return undefined;
  const who = principal.uid === 0 ? "root" : `user ${principal.uid}`;
  const more = rest.length > NAMED ? [`and ${rest.length - NAMED} more`] : [];
  return {
    code: "STORE_UNSAFE",
    what: `${who} would run what others can change: ${unsafeLine(first)}`,
    where: first.entry.path,
    detail: [...rest.slice(0, NAMED).map(unsafeLine), ...more, ESCAPE],
    fix: safeCommand(found, principal, purpose),
  };
}

/**
 * The command that makes the release safe. Root may change the modes of root's own directories on the path, and the owner
 * of what lies in the release. If a directory on the path belongs to another user, or the user is not root, the command
 * makes a copy and runs that.
 */
function safeCommand(found: readonly Unsafe[], { uid }: Principal, { root, command }: Purpose): string {
  const isInside = ({ path }: Unsafe["entry"]) => path === root || path.startsWith(`${root}/`);
  const outside = found.filter(({ entry }) => !isInside(entry));
  if (uid !== 0 || outside.some(({ entry }) => entry.uid !== 0)) {
    const home = uid === 0 ? "/root" : "~";
    const copy = `${home}/${shellWord(basename(root))}`;
    return `cp -R ${shellWord(root)} ${home}/ && ${copy}/${shellWord(command)}`;
  }
  const closed = outside.map(({ entry }) => shellWord(entry.path));
  const whole = shellWord(root);
  return [
    ...(closed.length === 0 ? [] : [`chmod go-w ${closed.join(" ")}`]),
    ...(outside.length === found.length ? [] : [`chown -R 0:0 ${whole} && chmod -R go-w ${whole}`]),
  ].join(" && ");
}
