/**
 * Checks that the release's own files are the ones that were built. This happens on every cold start, before anything in
 * lib/ is run or trusted. The script that started this process has compared program and launcher already
 * (templates/intact.sh). Where the host has no tool for that, the program is hashed here.
 */
import { existsSync, lstatSync } from "node:fs";
import { dirname, join } from "node:path";
import { errorCode, GantryError, isMissing, type Finding } from "../../base/errors.ts";
import {
  bundleCompression,
  isVendoredBundle,
  NAMES,
  parseSums,
  programPath,
  readFileEntry,
  releaseName,
  vendoredBundle,
} from "../../release/index.ts";
import type { Environment } from "../../base/environment.ts";
import type { VariableName } from "../../base/variables.ts";
import { shellWord } from "../../base/text.ts";
import { readOptionalText } from "../../base/files/index.ts";
import type { Release } from "./unpacked.ts";

/** Set by the script when the host has neither cksum nor sha256sum. */
const UNPROVEN = "GANTRY_UNPROVEN" satisfies VariableName;
/**
 * The largest file outside of lib/ that is hashed here, in bytes. Larger ones, such as models and media, are hashed
 * only by `verify`.
 */
const LARGE = 1 << 20;

/** The fix that restores a release's own files: one command if its archive lies beside it, as in templates/intact.sh. */
function restoreFix({ layout: { root }, manifest, target }: Release): string {
  const archive = join(dirname(root), `${releaseName(manifest.name, manifest.version, target)}.tar.gz`);
  if (!existsSync(archive)) return "unpack the release archive again, all of it, into an empty directory";
  return `tar -xzf ${shellWord(archive)} --strip-components=1 -C ${shellWord(root)}`;
}

/**
 * Compares one file of the release with its digest; undefined when it agrees.
 * @param name the file's path relative to the release
 */
export function compareOwnFile(release: Release, name: string, digest: string): Finding | undefined {
  const where = join(release.layout.root, name);
  const fix = restoreFix(release);
  try {
    const [, found] = readFileEntry(where);
    if (found === digest) return undefined;
    const stripped = name === programPath(release.manifest);
    const what = stripped ? `${name} was stripped or replaced` : `${name} is not the file that was released`;
    return { code: "DIGEST_MISMATCH", what, where, fix };
  } catch (error) {
    if (error instanceof GantryError) return { ...error.findings[0], fix };
    if (isMissing(error)) return { code: "RELEASE_FILE_MISSING", what: `${name} is not there`, where, fix };
    const code = errorCode(error);
    if (code === undefined) throw error;
    return { code: "IO_FAILED", what: `${name} cannot be read (${code})`, where };
  }
}

interface IntactReport {
  /** Files in lib/ that are not as they were built: nothing may be run. */
  readonly findings: readonly Finding[];
  /** Other files that are not as they were built, such as texts, units and the sums: the start goes on. */
  readonly warnings: readonly string[];
}

/**
 * Hashes the files in lib/, and the small files outside of lib/. The program is hashed only where the script could not
 * compare it (UNPROVEN).
 * @throws GantryError DIGEST_MISMATCH when SHA256SUMS is not understood
 */
export function checkIntact(release: Release, environment: Environment): IntactReport {
  const path = release.layout.sums;
  const text = readOptionalText(path);
  if (text === undefined) {
    return { findings: [], warnings: ["SHA256SUMS is not there: the files in lib/ are not checked"] };
  }
  const recorded = recordedDigests(release);
  const findings: Finding[] = [];
  const warnings: string[] = [];
  for (const [name, digest] of parseSums(text, path)) {
    const known = recorded.get(name);
    if (known !== undefined && known !== digest) findings.push(disagree(release, name));
    else if (name.startsWith(`${NAMES.lib}/`)) {
      if (name === programPath(release.manifest) && environment[UNPROVEN] !== "yes") continue;
      findings.push(...[compareOwnFile(release, name, digest)].filter((finding) => finding !== undefined));
    } else if (isSmallFile(join(release.layout.root, name)) && !isVendoredBundle(name)) {
      const finding = compareOwnFile(release, name, digest);
      if (finding !== undefined) warnings.push(finding.what);
    }
  }
  return { findings, warnings };
}

/** Digests that release.json records as well, by path relative to the release. */
function recordedDigests({ manifest, target }: Release): Map<string, string> {
  const { executable, launcher, bundle } = manifest;
  const program = programPath(manifest);
  const digests = new Map([[NAMES.launcher as string, launcher.sha256]]);
  if (program !== undefined && executable !== undefined) digests.set(program, executable.sha256);
  if (bundle !== undefined) digests.set(vendoredBundle(target, bundleCompression(manifest)), bundle.sha256);
  return digests;
}

function disagree(release: Release, name: string): Finding {
  return {
    code: "DIGEST_MISMATCH",
    what: `SHA256SUMS and lib/release.json name different digests of ${name}: one of the two is damaged`,
    where: release.layout.sums,
    fix: restoreFix(release),
  };
}

/** Whether it exists and is small. A missing file outside of lib/ is allowed: some images leave them out. */
function isSmallFile(path: string): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found?.isFile() === true && found.size <= LARGE;
}
