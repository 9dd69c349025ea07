/** The input of a rule: one file, the process that would load it, and the objects that the load adds. */
import type { ElfFile } from "../../elf/index.ts";
import type { HostFacts, LibcFamily, RuntimeView } from "../../host/index.ts";
import type { Closure, Process } from "../library-closure.ts";
import type { LoadedObject } from "../library-search.ts";

/** A load of any kind of object: a module, or the runtime itself at its start. */
export interface LoadSituation {
  readonly family: LibcFamily;
  readonly host: HostFacts;
  readonly runtime: RuntimeView;
  readonly process: Process;
  readonly closure: Closure;
}

export interface Situation extends LoadSituation {
  readonly file: ElfFile;
}

/** "bun 1.4.5", for messages. */
export function runtimeName({ facts }: RuntimeView): string {
  const name = facts.kind === "unknown" ? "this runtime" : facts.kind;
  return facts.version.known ? `${name} ${facts.version.value}` : name;
}

/** The new objects that are files of the release. Their needs are checked in full. */
export function shippedObjects({ closure }: Situation): LoadedObject[] {
  return closure.objects.filter(({ shipped }) => shipped);
}

/** " (in libvips.so.42)" when it is another object than the judged file, else empty. */
export function inObject({ closure }: LoadSituation, object: LoadedObject): string {
  return object === closure.objects[0] ? "" : ` (in ${object.path.replace(/^.*\//, "")})`;
}
