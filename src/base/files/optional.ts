/**
 * Reading what may rightly not be there. Only its absence is quiet: a file or directory that is there and cannot be
 * read throws the file system's error.
 */
import { readdirSync } from "node:fs";
import { isMissing } from "../errors.ts";
import { readRegularText } from "./regular-file.ts";

/** The text of a file; undefined when there is none. */
export function readOptionalText(path: string): string | undefined {
  return unlessMissing(() => readRegularText(path));
}

/** The names in a directory; none when there is no directory. */
export function readNames(directory: string): string[] {
  return unlessMissing(() => readdirSync(directory)) ?? [];
}

function unlessMissing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
