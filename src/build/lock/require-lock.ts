/** A lockfile that the build cannot do without. */
import { GantryError } from "../../errors.ts";
import { parseBunLock, type BunLock } from "../../release/bun-lock.ts";

/**
 * Parses a bun.lock.
 * @param where its path, for messages
 * @throws GantryError CONFIG_INVALID when it is damaged or newer than version 2
 */
export function requireBunLock(text: string, where: string): BunLock {
  const parsed = parseBunLock(text);
  if ("lock" in parsed) return parsed.lock;
  throw new GantryError({ code: "CONFIG_INVALID", ...parsed.problem, where });
}
