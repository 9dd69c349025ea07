/**
 * Diagnoses a failure of the app, inside the app's process. A start with prepared modules reads no file of them. So
 * when the app ends with a failure, this checks whether such a file was changed or lost since the modules were proven.
 * It reports the file by name and removes the stamp, so that the next start checks every file and repairs them. This
 * code is bundled into what runs before an app, under Bun and under Node. It costs nothing in a process that ends
 * without a failure.
 */
import type * as nodeCrypto from "node:crypto";
import type * as nodeFs from "node:fs";
import * as NAMES from "../../release/start/names.ts";
import { RELEASE_ID_LENGTH } from "../../release/start/stamp.ts";

interface Place {
  /** The release's root. */
  readonly release: string;
  /** The node_modules that the app loads from. */
  readonly modules: string;
}

interface Runtime {
  readonly fs: typeof nodeFs;
  readonly crypto: typeof nodeCrypto;
}

/** The parts of the manifest that are needed here. They were checked when the modules were proven. */
interface Listed {
  readonly externals: readonly { readonly name: string; readonly optional: boolean }[];
  readonly modules: Readonly<Record<string, ListedModule>>;
}

interface ListedModule {
  readonly neededBy: readonly string[];
  readonly files: Readonly<Record<string, readonly [size: number, sha256: string]>>;
}

/** Runs the diagnosis. Never throws, because the app is ending with an error of its own. */
export function diagnoseCrash(place: Place, runtime: Runtime): void {
  try {
    const manifest = runtime.fs.readFileSync(`${place.release}/${NAMES.manifest}`);
    const stamps = findStamps(place, manifest, runtime);
    if (stamps.length === 0) return;
    const listed = JSON.parse(manifest.toString()) as Listed;
    const damaged = findDamaged(place, listed, runtime, Math.max(...stamps.map(({ written }) => written)));
    const [first] = damaged;
    if (first === undefined) return;
    const more = damaged.length === 1 ? "" : ` (and ${damaged.length - 1} more)`;
    runtime.fs.writeSync(
      2,
      `gantry: DIGEST_MISMATCH: a file of the modules is not as it was built${more}\n  file  ${place.modules}/${first}\n` +
        "  fix   start again: the modules are checked then, and repaired where possible; ./gantry verify --repair does it now\n",
    );
    for (const { path } of stamps) runtime.fs.rmSync(path, { force: true });
  } catch {
    // The app's own error is printed next, and an error of this diagnosis would hide it.
  }
}

/** The stamps of this release. `written` is the ctime of the file, which no program can set. */
function findStamps({ modules }: Place, manifest: Buffer, { fs, crypto }: Runtime) {
  const id = crypto.createHash("sha256").update(manifest).digest("hex").slice(0, RELEASE_ID_LENGTH);
  const directory = `${modules}/${NAMES.stamps}`;
  return fs.readdirSync(directory).flatMap((name) => {
    const path = `${directory}/${name}`;
    return name.startsWith(`${id}-`) ? [{ path, written: fs.statSync(path).ctimeMs }] : [];
  });
}

/**
 * Finds files that are missing or differ from the manifest. Only files that changed after the stamp was written are
 * read.
 */
function findDamaged({ modules }: Place, listed: Listed, { fs, crypto }: Runtime, since: number): string[] {
  const required = new Set(listed.externals.flatMap(({ name, optional }) => (optional ? [] : [name])));
  return Object.entries(listed.modules).flatMap(([directory, { neededBy, files }]) => {
    const mayLack = !neededBy.some((name) => required.has(name));
    if (mayLack && !fs.existsSync(`${modules}/${directory}`)) return [];
    return Object.entries(files).flatMap(([path, [size, digest]]) => {
      const file = `${modules}/${directory}/${path}`;
      const found = fs.statSync(file, { throwIfNoEntry: false });
      if (found !== undefined && found.ctimeMs <= since) return [];
      const right = found?.size === size && hashOf(file, fs, crypto) === digest;
      return right ? [] : [`${directory}/${path}`];
    });
  });
}

/** The file's SHA-256. Undefined for a file that cannot be read, which no app can load either. */
function hashOf(file: string, fs: typeof nodeFs, crypto: typeof nodeCrypto): string | undefined {
  try {
    return crypto.createHash("sha256").update(fs.readFileSync(file)).digest("hex");
  } catch {
    return undefined;
  }
}
