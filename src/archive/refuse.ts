/** Makes the errors of this room, so that each names its archive. */
import { GantryError } from "../base/errors.ts";

/** Makes the error for a reason; the caller throws it. */
export type Refuse = (what: string) => GantryError;

/** ARCHIVE_UNSAFE about `file`: it is hostile or damaged, which cannot be told apart. */
export function refuseUnsafe(file: string): Refuse {
  return (what) =>
    new GantryError({ code: "ARCHIVE_UNSAFE", what: `the archive is not unpacked: ${what}`, where: file });
}

/** DIGEST_MISMATCH about `file`: the archive is intact and holds something else. */
export function refuseOther(file: string): Refuse {
  return (what) =>
    new GantryError({
      code: "DIGEST_MISMATCH",
      what,
      where: file,
      fix: "take the archive from its publisher again, the one that was made for this release",
    });
}
