/**
 * Unpacks a bundle's modules, whose files the manifest lists, and release archives, whose files are compared with
 * SHA256SUMS afterwards. An archive may be hostile: nothing is written outside of `into`, only regular files and
 * directories are made, and all sizes are limited. It refuses and does not repair.
 */
import { type FileEntry, normalMode, parentsOf } from "../release/index.ts";
import { decompress } from "./decompress.ts";
import { createNameTable, findUnsafe, quoted } from "./entry-names.ts";
import { refuseOther, refuseUnsafe, type Refuse } from "./archive-errors.ts";
import { createTarReader, type TarEntry } from "./tar.ts";
import { createTreeWriter, type TreeWriter } from "./write.ts";

/** What may come out of an archive. */
export type Allowed =
  | {
      /** Only these files, by their paths below `into`. The caller checks that all of them are there. */
      readonly kind: "exactly";
      readonly files: ReadonlyMap<string, FileEntry>;
      /** Bytes of all files together, at most. */
      readonly unpacked: number;
    }
  | {
      /** Anything below one directory. */
      readonly kind: "release";
      /** Bytes of all files together, at most. */
      readonly bytes: number;
      /** Files and directories, at most. */
      readonly entries: number;
    };

export interface UnpackOptions {
  /** A .tar.zst or .tar.gz; its first bytes tell which. */
  readonly file: string;
  /** An existing, empty, private directory. After an error the caller removes it. */
  readonly into: string;
  readonly allow: Allowed;
  readonly signal: AbortSignal;
  /** Called with the bytes of files that have been written so far. */
  readonly progress?: (bytes: number) => void;
}

/**
 * Unpacks an archive. Files get mode 0644 or 0755, and directories 0755, whatever the umask and the archive's modes. Times
 * are not kept, and nothing is synced.
 * @returns the entries of the written files, hashed while they were written, by path below `into`
 * @throws GantryError ARCHIVE_UNSAFE for what is hostile or damaged, DIGEST_MISMATCH for the first file that is not the
 * manifest's, HOST_UNSUPPORTED for zstd where the runtime has none; the signal's reason; the file system's errors
 */
export async function unpackArchive(options: UnpackOptions): Promise<ReadonlyMap<string, FileEntry>> {
  const { file, into, allow, signal, progress } = options;
  signal.throwIfAborted();
  const refuse = refuseUnsafe(file);
  const writer = createTreeWriter(into);
  const rule = allow.kind === "exactly" ? exactly(allow, file) : release(allow, refuse);
  const written = new Map<string, FileEntry>();
  const unpacking = startUnpacking(rule, writer, written, refuse);
  try {
    await decompress(file, signal, (piece) => {
      unpacking.push(piece);
      progress?.(unpacking.bytes());
    });
    unpacking.finish();
    return written;
  } finally {
    writer.abandon();
  }
}

/** Checks of one kind of archive, in addition to those of all archives. */
interface Rule {
  readonly entries: number;
  readonly bytes: number;
  /** @throws GantryError when the entry is not allowed @returns whether the file is executable */
  readonly admit: (entry: TarEntry) => boolean;
  /** @throws GantryError when the written file is not the expected one */
  readonly check: (path: string, entry: FileEntry) => void;
}

function exactly(allow: Allowed & { readonly kind: "exactly" }, file: string): Rule {
  const refuse = refuseOther(file);
  const directories = new Set([...allow.files.keys()].flatMap(parentsOf));
  return {
    entries: allow.files.size + directories.size,
    bytes: allow.unpacked,
    admit: ({ path, kind, size }) => {
      const wanted = allow.files.get(path);
      if (kind === "directory" ? !directories.has(path) : wanted === undefined) {
        throw refuse(`${quoted(path)} is in the archive, but does not belong to this release`);
      }
      if (wanted !== undefined && wanted[0] !== size) {
        throw refuse(
          `${quoted(path)} has ${size} bytes in the archive; the release was built with ${wanted[0]}`,
        );
      }
      return wanted?.[2] === "x";
    },
    check: (path, entry) => {
      if (allow.files.get(path)?.[1] === entry[1]) return;
      throw refuse(`${quoted(path)} in the archive is not the file that the release was built with`);
    },
  };
}

function release(allow: Allowed & { readonly kind: "release" }, refuse: Refuse): Rule {
  let top: string | undefined;
  return {
    entries: allow.entries,
    bytes: allow.bytes,
    admit: ({ path, kind, executable }) => {
      const [first = ""] = path.split("/", 1);
      if (first === path && kind === "file")
        throw refuse(`${quoted(path)} is beside the release's directory`);
      top ??= first;
      if (first !== top)
        throw refuse(`it has two directories at its top: ${quoted(top)} and ${quoted(first)}`);
      return executable;
    },
    check: () => undefined,
  };
}

interface Unpacking {
  readonly push: (piece: Uint8Array) => void;
  readonly finish: () => void;
  readonly bytes: () => number;
}

function startUnpacking(
  rule: Rule,
  writer: TreeWriter,
  written: Map<string, FileEntry>,
  refuse: Refuse,
): Unpacking {
  const names = createNameTable(rule.entries, refuse);
  let bytes = 0;
  let announced = 0;
  let current = { path: "", executable: false };
  const reader = createTarReader(
    {
      entry: (entry) => {
        const { path, kind, size } = entry;
        // Before the list is compared, so that an unsafe name is reported as unsafe.
        const unsafe = findUnsafe(path);
        if (unsafe !== undefined) throw refuse(`the entry ${quoted(path)} ${unsafe}`);
        const executable = rule.admit(entry);
        const directories = names.take(path, kind);
        announced += size;
        if (announced > rule.bytes) throw refuse(`its files have more than the ${rule.bytes} bytes allowed`);
        for (const directory of directories) writer.directory(directory);
        if (kind === "directory") return;
        current = { path, executable };
        writer.open(path, normalMode(executable ? [size, "", "x"] : [size, ""]));
      },
      data: (piece) => {
        writer.write(piece);
        bytes += piece.length;
      },
      end: () => {
        const [size, digest] = writer.close();
        const entry: FileEntry = current.executable ? [size, digest, "x"] : [size, digest];
        rule.check(current.path, entry);
        written.set(current.path, entry);
      },
    },
    refuse,
  );
  return { push: reader.push, finish: reader.finish, bytes: () => bytes };
}
