/** How every part of this room words a refusal, so that each names the archive it is about. */
import { GantryError } from "../errors.ts";

/** Makes the error for a reason; the caller throws it. */
export type Refuse = (what: string) => GantryError;

/** ARCHIVE_UNSAFE about `file`: hostile or damaged, which nothing here tries to tell apart. */
export function refuseUnsafe(file: string): Refuse {
  return (what) =>
    new GantryError({ code: "ARCHIVE_UNSAFE", what: `the archive is not unpacked: ${what}`, where: file });
}

/** DIGEST_MISMATCH about `file`: a sound archive of something else. */
export function refuseOther(file: string): Refuse {
  return (what) =>
    new GantryError({
      code: "DIGEST_MISMATCH",
      what,
      where: file,
      fix: "take the archive from its publisher again, the one that was made for this release",
    });
}
