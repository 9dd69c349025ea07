/** The file that a download is written to: appended to as it arrives, and emptied when it starts again. */
import { closeSync, ftruncateSync, openSync, rmSync, writeSync } from "node:fs";

/**
 * Makes the file with mode 0600.
 * @throws the file system's error, EEXIST when the file exists
 */
export function openFile(path: string) {
  const descriptor = openSync(path, "wx", 0o600);
  let bytes = 0;
  return {
    bytes: () => bytes,
    append: (chunk: Uint8Array) => {
      for (let done = 0; done < chunk.length;) {
        done += writeSync(descriptor, chunk, done, chunk.length - done, bytes + done);
      }
      bytes += chunk.length;
    },
    empty: () => {
      ftruncateSync(descriptor, 0);
      bytes = 0;
    },
    close: () => closeSync(descriptor),
    remove: () => rmSync(path, { force: true }),
  };
}
