/**
 * A file on disk as a byte source for src/elf: positioned reads through one descriptor, of the requested ranges only.
 * System errors are thrown unchanged.
 */
import { closeSync, fstatSync, readSync } from "node:fs";
import { readNativeFile, type ByteSource, type NativeFile } from "../elf/index.ts";
import { openRegularFile } from "../base/files/index.ts";

export interface FileSource extends ByteSource {
  /** Closes the descriptor; a later read opens the file again. */
  close(): void;
}

/**
 * Opens a regular file.
 * @throws the system's error when the file cannot be opened; EISDIR or EINVAL when it is no regular file
 */
export function openSource(path: string): FileSource {
  let fd: number | undefined = openRegularFile(path);
  const stat = fstatSync(fd);
  const close = (): void => {
    if (fd !== undefined) closeSync(fd);
    fd = undefined;
  };
  if (!stat.isFile()) {
    close();
    throw Object.assign(new Error(`EINVAL: ${path} is no regular file`), { code: "EINVAL", path });
  }
  const { size } = stat;
  return {
    size,
    close,
    read(offset, length) {
      fd ??= openRegularFile(path);
      const bytes = Buffer.allocUnsafeSlow(Math.max(0, Math.min(length, size - offset)));
      let filled = 0;
      while (filled < bytes.length) {
        const got = readSync(fd, bytes, filled, bytes.length - filled, offset + filled);
        // The file shrank while it was read. The caller reports the short result as damage.
        if (got === 0) return bytes.subarray(0, filled);
        filled += got;
      }
      return bytes;
    },
  };
}

/** Reads one native file, passes it to `use`, and closes its descriptor. */
export function withNativeFile<T>(path: string, use: (file: NativeFile) => T): T {
  const source = openSource(path);
  try {
    return use(readNativeFile(source));
  } finally {
    source.close();
  }
}
