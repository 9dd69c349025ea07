/** The two orders of versions: semver's, and that of dotted numbers. Pure. */

const VERSION = /^(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$/;

/**
 * Compares two versions by semver (https://semver.org, item 11). Negative when `left` comes before `right`, 0 when they
 * have the same precedence: build metadata after a plus does not count. Undefined when one of them is no semver version.
 */
export function compareVersions(left: string, right: string): number | undefined {
  const [a, b] = [VERSION.exec(left), VERSION.exec(right)];
  if (a === null || b === null) return undefined;
  for (const part of [1, 2, 3]) {
    const difference = compareNumbers(a[part] ?? "", b[part] ?? "");
    if (difference !== 0) return difference;
  }
  return comparePrereleases(a[4], b[4]);
}

/** Compares numbers of any length. The digits of a date with a time exceed Number.MAX_SAFE_INTEGER. */
function compareNumbers(left: string, right: string): number {
  const [a, b] = [BigInt(left), BigInt(right)];
  return a === b ? 0 : a < b ? -1 : 1;
}

function comparePrereleases(left: string | undefined, right: string | undefined): number {
  if (left === undefined || right === undefined)
    return Number(left === undefined) - Number(right === undefined);
  const [a, b] = [left.split("."), right.split(".")];
  for (const [index, part] of a.entries()) {
    const other = b[index];
    if (other === undefined) return 1;
    const difference = compareIdentifiers(part, other);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Compares two parts of a prerelease: numbers come before words. */
function compareIdentifiers(left: string, right: string): number {
  const [a, b] = [left, right].map((text) => /^\d+$/.test(text));
  if (a === true && b === true) return compareNumbers(left, right);
  if (a !== b) return a === true ? -1 : 1;
  return left === right ? 0 : left < right ? -1 : 1;
}

/**
 * Compares two versions by the dotted numbers that they begin with, for versions that are not semver's: `2.28` of
 * glibc, `3.4.29` of a symbol, Bun's. A missing part counts as 0. Everything after a `-` or `+` is ignored, so that a
 * canary build equals the version that it precedes.
 */
export function compareDotted(left: string, right: string): number {
  const [a, b] = [dottedNumbers(left), dottedNumbers(right)];
  for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function dottedNumbers(version: string): number[] {
  return version
    .replace(/[-+].*$/s, "")
    .split(".")
    .map(Number);
}
