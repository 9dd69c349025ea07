/** Reads the running user and the groups that only this user is in, for the rule. */
import { readOwnUser } from "../base/process/index.ts";
import { readRegularText, unlessRefused } from "../base/files/index.ts";
import type { Principal } from "./rule.ts";

/**
 * Reads the user's group, and which groups count as the user's own.
 * @param uid the effective user id; -1 on systems without user ids
 */
export function readPrincipal(uid: number): Principal {
  const [passwd, group] = [readAccounts("/etc/passwd"), readAccounts("/etc/group")];
  return { uid, gid: readOwnUser().gid, ownGroups: ownGroups(uid, passwd, group) };
}

/**
 * The groups that may write: group 0, which counts as root's even if it has other members (as Alpine's operator), and the
 * user's primary group, if passwd(5) and group(5) show no other member. A group that is not in these files may have any
 * members (nsswitch.conf(5)).
 */
export function ownGroups(uid: number, passwd: string, group: string): ReadonlySet<number> {
  const users = fields(passwd);
  const gid = users.find((user) => user[2] === String(uid))?.[3] ?? "";
  const groups = fields(group).filter((line) => line[2] === gid);
  const isOther = (id: string | undefined) => id !== String(uid) && id !== "0";
  const shared =
    users.some((user) => user[3] === gid && isOther(user[2])) ||
    groups
      .flatMap((line) => (line[3] ?? "").split(","))
      .some((name) => name !== "" && isOther(users.find((user) => user[0] === name)?.[2]));
  return new Set(groups.length === 0 || shared ? [0] : [0, Number(gid)]);
}

function fields(text: string): string[][] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split(":"));
}

function readAccounts(path: string): string {
  return unlessRefused(() => readRegularText(path)) ?? "";
}
