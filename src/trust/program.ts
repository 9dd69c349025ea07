/** The same question of a single program. */
import { readPrincipal } from "./principal.ts";
import { readUnsafe, type Unsafe } from "./read.ts";

/** What others could change of programs that are about to be run, or of the way to them; the first of it. */
export function readUnsafeProgram(paths: readonly string[]): Unsafe | undefined {
  return readUnsafe({ directories: [], files: paths }, readPrincipal(process.geteuid?.() ?? -1))[0];
}
