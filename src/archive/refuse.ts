/** Makes the errors of the archive room, each with the archive's path. */
import { GantryError } from "../base/errors.ts";

/** Makes an error from a reason in words; the caller throws it. */
export type Refuse = (what: string) => GantryError;

/** ARCHIVE_UNSAFE for `file`, which is hostile or damaged. */
export function refuseUnsafe(file: string): Refuse {
  return (what) =>
    new GantryError({ code: "ARCHIVE_UNSAFE", what: `the archive is not unpacked: ${what}`, where: file });
}

/** DIGEST_MISMATCH for `file`, which is intact and has other contents. */
export function refuseOther(file: string): Refuse {
  return (what) =>
    new GantryError({
      code: "DIGEST_MISMATCH",
      what,
      where: file,
      fix: "take the archive from its publisher again, the one that was made for this release",
    });
}
