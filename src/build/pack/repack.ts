/**
 * Makes the archive beside a release again after the release was signed or got more bundles. A missing archive is not
 * made. After an error the old one is unchanged.
 */
import { SELF } from "../../base/process/index.ts";
import { existsSync, lstatSync, readFileSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { list } from "tar";
import { bundlesOf, NAMES, parseSums, signatureOf } from "../../release/index.ts";
import { writeArchive } from "./release-archive.ts";

export interface Repacked {
  readonly archive: string;
  /** Path of the archive's own signature, which became invalid and was removed. */
  readonly removedSignature: string | undefined;
}

/**
 * Packs the files that SHA256SUMS lists, SHA256SUMS itself, and the signatures. Files that a start has made are left
 * out.
 * @returns undefined when there is no archive with the release's name beside it
 */
export async function repackArchive(release: string): Promise<Repacked | undefined> {
  const [parent, name] = [dirname(release), basename(release)];
  const archive = join(parent, `${name}.tar.gz`);
  if (lstatSync(archive, { throwIfNoEntry: false })?.isFile() !== true) return undefined;
  const sumsFile = join(release, NAMES.sums);
  const sums = parseSums(readFileSync(sumsFile, "utf8"), sumsFile);
  const signatures = [NAMES.signature, ...bundlesOf(sums).map(signatureOf)];
  const present = signatures.filter((path) => existsSync(join(release, path)));
  const files = [...sums.keys(), NAMES.sums, ...present].toSorted((a, b) => (a < b ? -1 : 1));
  const draft = join(parent, `.${name}-${SELF.pid}.tar.gz`);
  try {
    await writeArchive({ parent, name, file: draft, files, epoch: await readEpoch(archive) });
    renameSync(draft, archive);
  } finally {
    rmSync(draft, { force: true });
  }
  const signature = signatureOf(archive);
  const stale = existsSync(signature);
  if (stale) rmSync(signature);
  return { archive, removedSignature: stale ? signature : undefined };
}

/** The time of an archive's first entry, which all entries share. Undefined for an empty archive. */
async function readEpoch(file: string): Promise<number | undefined> {
  let epoch: number | undefined;
  await list({
    file,
    onReadEntry: (entry) => {
      epoch ??= entry.mtime === undefined ? undefined : entry.mtime.getTime() / 1000;
    },
  });
  return epoch;
}
