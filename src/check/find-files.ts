/**
 * Turns the arguments of `check` into native files. A named file is always checked. In a directory only files that look
 * native by their name or first bytes are checked. Links are not followed, so that a linked tree counts once.
 */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { identifyFile } from "../elf/index.ts";
import { openSource } from "../host/index.ts";

export interface FoundFile {
  /** As given, or joined to the directory as given. */
  readonly path: string;
  /** True when it was found in a directory and not named. */
  readonly walked: boolean;
}

/**
 * Finds the native files to judge.
 * @throws the system's error for a path that does not exist or cannot be read
 */
export function findFiles(paths: readonly string[]): FoundFile[] {
  return paths.flatMap((path): FoundFile[] =>
    statSync(path).isDirectory() ? [...walk(path)] : [{ path, walked: false }],
  );
}

const NATIVE_NAME = /\.(node|dylib|dll)$|\.so(\.\d+)*$/;

function* walk(directory: string): Generator<FoundFile> {
  const entries = readdirSync(directory, { withFileTypes: true });
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) yield* walk(path);
    else if (entry.isFile() && isNative(path, entry.name)) yield { path, walked: true };
  }
}

/**
 * Whether a file has the extension of a native file, or none and the first bytes of one (ELF, Mach-O, PE). Scripts are
 * not native.
 */
function isNative(path: string, name: string): boolean {
  if (NATIVE_NAME.test(name)) return true;
  if (name.includes(".")) return false;
  const source = openSource(path);
  try {
    return identifyFile(source).kind !== "other";
  } finally {
    source.close();
  }
}
