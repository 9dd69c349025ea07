/** Makes the errors of the archive room, each with the archive's path. */
import { GantryError } from "../base/errors.ts";

/** Makes an error from a reason in words; the caller throws it. */
export type Refuse = (what: string) => GantryError;

/** Makes ARCHIVE_UNSAFE errors, for a `file` that is hostile or damaged. */
export function refuseUnsafe(file: string): Refuse {
  return (what) =>
    new GantryError({ code: "ARCHIVE_UNSAFE", what: `the archive is not unpacked: ${what}`, where: file });
}

/** Makes DIGEST_MISMATCH errors, for a `file` that is intact and has other contents than expected. */
export function refuseOther(file: string): Refuse {
  return (what) =>
    new GantryError({
      code: "DIGEST_MISMATCH",
      what,
      where: file,
      fix: "take the archive from its publisher again, the one that was made for this release",
    });
}
