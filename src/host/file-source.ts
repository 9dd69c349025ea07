/**
 * A file on disk as the byte source that src/elf reads: positioned reads through one descriptor, only the
 * ranges that are asked for. System errors pass through with their code; the caller knows what they mean.
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { readNativeFile, type NativeFile } from "../elf/file.ts";
import type { ByteSource } from "../elf/bytes.ts";

export interface FileSource extends ByteSource {
  close(): void;
}

export function openSource(path: string): FileSource {
  const fd = openSync(path, "r");
  const { size } = fstatSync(fd);
  return {
    size,
    read(offset, length) {
      const bytes = new Uint8Array(Math.max(0, Math.min(length, size - offset)));
      let filled = 0;
      while (filled < bytes.length) {
        const got = readSync(fd, bytes, filled, bytes.length - filled, offset + filled);
        // The file shrank while it was read; the short answer makes it malformed, not a hang.
        if (got === 0) return bytes.subarray(0, filled);
        filled += got;
      }
      return bytes;
    },
    close: () => closeSync(fd),
  };
}

/** Reads one native file, hands it to `use`, and closes it: the lazy parts must not outlive the call. */
export function withNativeFile<T>(path: string, use: (file: NativeFile) => T): T {
  const source = openSource(path);
  try {
    return use(readNativeFile(source));
  } finally {
    source.close();
  }
}
