/**
 * Compares a release with its SHA256SUMS in both directions: every listed file is as listed, and there is no other file.
 * Links are never followed, because what they point at can change after the signature was made.
 */
import { join, relative, sep } from "node:path";
import { GantryError, toGantryError, type Finding } from "../base/errors.ts";
import { isVendoredBundle, NAMES, signatureOf } from "./layout.ts";
import { readFileEntry, readTreeFiles, type TreeFile } from "./tree.ts";
import { groupUnlisted } from "./group-unlisted.ts";

/** The signature's name beside SHA256SUMS. */
export const SIGNATURE_NAME = NAMES.signature;

/** Digests by path relative to the release, lower-case hexadecimal. */
export type Sums = ReadonlyMap<string, string>;

/**
 * Parses SHA256SUMS as gantry writes it: `DIGEST  PATH` lines, see sha256sum(1).
 * @throws GantryError DIGEST_MISMATCH for a line in another format, a path that leads out of the release or is listed
 *   twice, and when SHA256SUMS or its signature is listed
 */
export function parseSums(text: string, where: string): Sums {
  const sums = new Map<string, string>();
  const lines = text.split("\n");
  const bad = (why: string) => {
    const fix = "unpack the release archive again, or build the release again";
    return new GantryError({ code: "DIGEST_MISMATCH", what: `SHA256SUMS ${why}`, where, fix });
  };
  if (text === "") throw bad("is empty");
  if (lines.pop() !== "") throw bad("does not end with a whole line");
  for (const [index, line] of lines.entries()) {
    const [, digest, path] = /^([0-9a-f]{64}) {2}([^\\\p{Cc}]+)$/u.exec(line) ?? [];
    if (digest === undefined || path === undefined) throw bad(`is not understood in line ${index + 1}`);
    if (path.split("/").some((part) => part === "" || part === "." || part === "..")) {
      throw bad(`names a path outside the release in line ${index + 1}`);
    }
    if (sums.has(path)) throw bad(`lists ${path} twice`);
    if (path === NAMES.sums || path === SIGNATURE_NAME) throw bad(`lists ${path}, which cannot list itself`);
    sums.set(path, digest);
  }
  return sums;
}

/** Paths of the bundles that a release carries; each may have a signature of its own beside it. */
export function bundlesOf(sums: Sums): string[] {
  return [...sums.keys()].filter(isVendoredBundle);
}

/** Findings for listed files that are missing or not as listed. Other files, which a start may have made, are ignored. */
export function compareListed(root: string, sums: Sums, fix: string): Finding[] {
  return compareWithSums(root, sums, fix).filter(({ where }) =>
    where === undefined ? true : sums.has(relative(root, where).split(sep).join("/")),
  );
}

/**
 * Findings for all differences between a release and its sums: first listed files, in their order, then unlisted ones.
 * @param fix the fix of every finding: to build again when signing, to download again when verifying
 */
export function compareWithSums(root: string, sums: Sums, fix: string): Finding[] {
  const present = new Map(readTreeFiles(root).map((file) => [file.path, file]));
  present.delete(NAMES.sums);
  present.delete(SIGNATURE_NAME);
  for (const bundle of bundlesOf(sums)) present.delete(signatureOf(bundle));
  const listed = [...sums].flatMap(([path, digest]) =>
    compareFile({ path, where: join(root, path), fix }, present.get(path)?.kind, digest),
  );
  const extra = [...present.keys()].filter((path) => !sums.has(path));
  const unlisted = groupUnlisted(extra, sums.keys()).map(({ path, files }): Finding => {
    const what = `${path} is not in SHA256SUMS${files === 1 ? "" : ` (${files} files)`}`;
    return { code: "DIGEST_MISMATCH", what, where: join(root, path), fix };
  });
  return [...listed, ...unlisted];
}

interface ListedFile {
  readonly path: string;
  readonly where: string;
  readonly fix: string;
}

/** A listed file that has another digest. */
export function sumMismatch({ path, where, fix }: ListedFile, listed: string, found: string): Finding {
  const detail = [`SHA256SUMS says ${listed}`, `the file has   ${found}`];
  return { code: "DIGEST_MISMATCH", what: `${path} is not the file in SHA256SUMS`, where, fix, detail };
}

function compareFile(
  { path, where, fix }: ListedFile,
  kind: TreeFile["kind"] | undefined,
  digest: string,
): Finding[] {
  if (kind === undefined) return [{ code: "RELEASE_FILE_MISSING", what: `${path} is not there`, where, fix }];
  if (kind !== "file") {
    const what = `${path} is ${kind === "link" ? "a link" : "neither a file nor a link"}`;
    return [{ code: "DIGEST_MISMATCH", what, where, fix }];
  }
  try {
    const [, found] = readFileEntry(where);
    if (found === digest) return [];
    return [sumMismatch({ path, where, fix }, digest, found)];
  } catch (error) {
    return [...toGantryError(error).findings];
  }
}
