/**
 * Reads files and directories that may be missing. A missing file is no error. A file that exists and cannot be read is
 * one: the file system's error is thrown, unless the caller uses `unlessRefused`.
 */
import { type Dirent, lstatSync, readdirSync, statSync } from "node:fs";
import { errorCode, isMissing } from "../errors.ts";
import { readRegularText } from "./regular-file.ts";

/** The text of a file; undefined when there is none. */
export function readOptionalText(path: string): string | undefined {
  return unlessMissing(() => readRegularText(path));
}

/** The names in a directory; none when there is no directory. */
export function readNames(directory: string): string[] {
  return unlessMissing(() => readdirSync(directory)) ?? [];
}

/** The entries of a directory, which tell files, links and directories apart; none when there is no directory. */
export function readEntries(directory: string): Dirent[] {
  return unlessMissing(() => readdirSync(directory, { withFileTypes: true })) ?? [];
}

/** Whether a path is a directory. Links are followed. */
export function isDirectory(path: string): boolean {
  return unlessMissing(() => statSync(path))?.isDirectory() === true;
}

/** Whether a path exists. Links are not followed: a link whose target is missing counts as existing. */
export function isThere(path: string): boolean {
  return unlessMissing(() => lstatSync(path)) !== undefined;
}

/** The result of `read`; undefined when the file, or a directory on its path, does not exist. */
export function unlessMissing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/**
 * The result of `read`; undefined for every error that has a code, such as a missing file, a missing permission, or a
 * process that has ended.
 */
export function unlessRefused<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (errorCode(error) !== undefined) return undefined;
    throw error;
  }
}
