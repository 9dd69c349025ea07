/**
 * Does bun.lock still belong to package.json and to the manifest? Asked before any network is touched, because a
 * package manager answers a lock out of step by resolving anew, and fails much later with something else.
 */
import type { Finding } from "../errors.ts";
import type { Manifest } from "../release/manifest.ts";
import { wantedModules } from "./verify.ts";

export interface LockedPackage {
  readonly name: string;
  readonly version: string;
  /** Subresource integrity, `sha512-…`; empty when the lock has none. */
  readonly integrity: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
}

/** Packages by bun.lock's key: the path in node_modules without the `node_modules` parts. */
export type Locked = ReadonlyMap<string, LockedPackage>;

/**
 * Reads the packages out of a bun.lock's text (JSONC: JSON with trailing commas and comments).
 * @returns undefined when it is not one
 */
export function parseBunLock(text: string): Locked | undefined {
  let data: unknown;
  try {
    data = JSON.parse(stripJsonc(text));
  } catch {
    return undefined;
  }
  const packages = recordOf(recordOf(data)?.["packages"]);
  if (packages === undefined) return undefined;
  return new Map(Object.entries(packages).flatMap(([key, entry]) => parsePackage(key, entry)));
}

/** An entry is `[name@version, registry, {…}, integrity]`. */
function parsePackage(key: string, entry: unknown): [string, LockedPackage][] {
  if (!Array.isArray(entry)) return [];
  const parts: readonly unknown[] = entry;
  const [id] = parts;
  if (typeof id !== "string") return [];
  const at = id.lastIndexOf("@");
  const fields = parts.map(recordOf).find((part) => part !== undefined) ?? {};
  const integrity = parts.at(-1);
  return [
    [
      key,
      {
        name: id.slice(0, at),
        version: id.slice(at + 1),
        integrity: typeof integrity === "string" && integrity.startsWith("sha") ? integrity : "",
        dependencies: textsOf(fields["dependencies"]),
        optionalDependencies: textsOf(fields["optionalDependencies"]),
        peerDependencies: textsOf(fields["peerDependencies"]),
      },
    ],
  ];
}

/** The key of a module in bun.lock: `a/node_modules/b` is `a/b`. */
export function lockKey(directory: string): string {
  return directory.replaceAll("/node_modules/", "/");
}

/** What does not fit, or undefined. The manifest is the truth: it was written last, from what was installed. */
export function checkLockstep(
  manifest: Manifest,
  packageText: string,
  locked: Locked | undefined,
  where: { readonly packageJson: string; readonly lockfile: string },
): Finding | undefined {
  const fix = "unpack the release archive again, all of it, into an empty directory";
  if (locked === undefined) {
    return { code: "MANIFEST_INVALID", what: "bun.lock is damaged", where: where.lockfile, fix };
  }
  const wanted = parseDependencies(packageText);
  if (wanted === undefined) {
    return { code: "MANIFEST_INVALID", what: "package.json is damaged", where: where.packageJson, fix };
  }
  for (const [directory, module] of wantedModules(manifest)) {
    const found = locked.get(lockKey(directory));
    if (found?.version === module.version) continue;
    const has = found === undefined ? "does not have it" : `has ${found.version}`;
    const what = `the release was built with ${module.name} ${module.version}, bun.lock ${has}`;
    return { code: "MANIFEST_INVALID", what, where: where.lockfile, fix };
  }
  for (const [name, version] of Object.entries(wanted)) {
    const found = locked.get(name);
    // An alias is written `npm:NAME@VERSION`.
    if (found?.version === version.replace(/^npm:.*@/, "")) continue;
    const has = found === undefined ? "does not have it" : `has ${found.version}`;
    const what = `package.json wants ${name} ${version}, bun.lock ${has}`;
    return { code: "MANIFEST_INVALID", what, where: where.packageJson, fix };
  }
  return undefined;
}

function parseDependencies(text: string): Readonly<Record<string, string>> | undefined {
  try {
    const data = recordOf(JSON.parse(text));
    if (data === undefined) return undefined;
    return { ...textsOf(data["dependencies"]), ...textsOf(data["optionalDependencies"]) };
  } catch {
    return undefined;
  }
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return Object.fromEntries(Object.entries(value));
}

function textsOf(value: unknown): Record<string, string> {
  const texts = Object.entries(recordOf(value) ?? {}).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string",
  );
  return Object.fromEntries(texts);
}

/** Strings are matched first and kept, so that commas and slashes inside them stay. */
function stripJsonc(text: string): string {
  return text.replace(
    /("(?:[^"\\]|\\.)*")|\/\/[^\n]*|\/\*[\s\S]*?\*\/|,(?=\s*[}\]])/g,
    (_match, string: string | undefined) => string ?? "",
  );
}
