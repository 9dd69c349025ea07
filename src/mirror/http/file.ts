/** The file that a download is written to, as it arrives and from wherever it goes on. It must not exist before. */
import { closeSync, ftruncateSync, openSync, rmSync, writeSync } from "node:fs";

/** Makes the file; only its owner may read it. */
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
