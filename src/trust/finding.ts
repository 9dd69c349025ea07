/** What is said of a chain that others could change, and the one command that makes it safe. Pure. */
import { basename } from "node:path";
import type { Finding } from "../base/errors.ts";
import { shellWord } from "../base/text.ts";
import type { Unsafe } from "./read.ts";
import { formatMode, type Principal } from "./rule.ts";

export interface Purpose {
  /** The release's root directory. */
  readonly root: string;
  /** What is run from there once it is safe, relative to it. */
  readonly command: string;
}

const ESCAPE =
  "where nobody else uses this machine, as in a container, GANTRY_SKIP=STORE_UNSAFE allows it as it is";

/** `/opt/app is owned by user 1000 (mode 755)`. */
export function unsafeLine({ entry, why }: Unsafe): string {
  return `${entry.path} ${why} (mode ${formatMode(entry.mode)})`;
}

/** How many paths are named one by one. */
const NAMED = 10;

/** One finding about everything that must not be used; undefined when nobody could change anything. */
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
 * Root may close what is root's on the way, and take what lies in the release. What belongs to somebody else on the way
 * stays that person's: then a copy is what is run, as for everybody who is not root.
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
