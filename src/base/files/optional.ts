/**
 * Reading what may rightly not be there. Only its absence is quiet: a file or directory that is there and cannot be
 * read throws the file system's error, unless the caller says that a refusal counts as absence.
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

/** The same with their kinds. */
export function readEntries(directory: string): Dirent[] {
  return unlessMissing(() => readdirSync(directory, { withFileTypes: true })) ?? [];
}

/** Links are followed. */
export function isDirectory(path: string): boolean {
  return unlessMissing(() => statSync(path))?.isDirectory() === true;
}

/** A link counts as itself, wherever it leads. */
export function isThere(path: string): boolean {
  return unlessMissing(() => lstatSync(path)) !== undefined;
}

/** Undefined when what is read, or something on the way to it, is not there. */
export function unlessMissing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Undefined when the system refuses, whatever its reason: not there, not allowed, ended meanwhile. */
export function unlessRefused<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (errorCode(error) !== undefined) return undefined;
    throw error;
  }
}
