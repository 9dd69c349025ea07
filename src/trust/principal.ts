/** Who runs, and which groups are that user's alone: what the rule needs to know of the accounts of this host. */
import { readRegularText, unlessRefused } from "../base/files/index.ts";
import type { Principal } from "./rule.ts";

/** @param uid the effective user id; -1 where there is no such thing */
export function readPrincipal(uid: number): Principal {
  const [passwd, group] = [readAccounts("/etc/passwd"), readAccounts("/etc/group")];
  return { uid, gid: process.getegid?.() ?? -1, ownGroups: ownGroups(uid, passwd, group) };
}

/**
 * Group 0, which is root's own whoever else has it (as Alpine's operator), and the user's primary group where passwd(5)
 * and group(5) show nobody else in it. A group that they do not know may have any members (nsswitch.conf(5)).
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
