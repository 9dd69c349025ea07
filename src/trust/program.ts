/** Applies the rule to single programs. */
import { readOwnUser } from "../base/process/index.ts";
import { readPrincipal } from "./principal.ts";
import { readUnsafe, type Unsafe } from "./read.ts";

/** The first file or directory on the paths to these programs that other users could change; undefined when there is none. */
export function readUnsafeProgram(paths: readonly string[]): Unsafe | undefined {
  return readUnsafe({ directories: [], files: paths }, readPrincipal(readOwnUser().uid))[0];
}
