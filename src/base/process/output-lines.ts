/** The words of another program, for messages. Pure. */
import { hideLogins } from "../redact.ts";

/**
 * The lines of what a program printed, without blank ones and without line ends. Logins in addresses are hidden,
 * because messages end up in logs.
 * @param texts its stdout and its stderr, or one of them
 */
export function outputLines(...texts: readonly string[]): string[] {
  return texts.flatMap((text) =>
    hideLogins(text)
      .split(/\r?\n/)
      .filter((line) => line.trim() !== ""),
  );
}
