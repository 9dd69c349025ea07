/**
 * The lockfile check: whether bun.lock agrees with package.json and the manifest. It comes before any use of the network,
 * because a package manager resolves a lockfile that disagrees anew, and then fails later with another message.
 */
import type { Finding } from "../../base/errors.ts";
import {
  type BunLock,
  type LockEntry,
  lockKey,
  type Manifest,
  parseBunLock,
  wantedModules,
} from "../../release/index.ts";

/**
 * Parses the lockfile, and compares it with the manifest's modules and the dependencies in package.json. The first
 * version that differs is a finding. The manifest is right, because the build wrote it last, from what was installed.
 * @param where the files' paths, for messages
 */
export function checkLockfile(
  manifest: Manifest,
  texts: { readonly packageJson: string; readonly lockfile: string },
  where: { readonly packageJson: string; readonly lockfile: string },
): { readonly lock: BunLock } | { readonly finding: Finding } {
  const fix = "unpack the release archive again, all of it, into an empty directory";
  const invalid = (what: string, file: string) => ({
    finding: { code: "MANIFEST_INVALID", what, where: file, fix } as const,
  });
  const parsed = parseBunLock(texts.lockfile);
  if ("problem" in parsed) return invalid("bun.lock is damaged", where.lockfile);
  const { packages } = parsed.lock;
  const wanted = parseDependencies(texts.packageJson);
  if (wanted === undefined) return invalid("package.json is damaged", where.packageJson);
  for (const [directory, module] of wantedModules(manifest)) {
    const found = versionOf(packages.get(lockKey(directory)));
    if (found === module.version) continue;
    const wants = `the release was built with ${module.name} ${module.version}`;
    return invalid(`${wants}, bun.lock ${describeFound(found)}`, where.lockfile);
  }
  for (const [name, version] of Object.entries(wanted)) {
    const found = versionOf(packages.get(name));
    // An alias is written `npm:NAME@VERSION`.
    if (found === version.replace(/^npm:.*@/, "")) continue;
    return invalid(
      `package.json wants ${name} ${version}, bun.lock ${describeFound(found)}`,
      where.packageJson,
    );
  }
  return parsed;
}

function versionOf(entry: LockEntry | undefined): string | undefined {
  return entry?.kind === "registry" ? entry.version : entry?.source;
}

function describeFound(version: string | undefined): string {
  return version === undefined ? "does not have it" : `has ${version}`;
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
