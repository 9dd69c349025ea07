/**
 * Reads the packages in another package manager's lockfile, each as `name@version`, without Bun. This serves to check
 * that the conversion to bun.lock changed no version. An alias counts under the package's own name. Pure.
 */
import type { LockfileKind } from "../../app/index.ts";

/** The packages in a lockfile's text. Undefined for Bun's own formats, which need no such check. */
export function parseForeignPins(kind: LockfileKind, text: string): Set<string> | undefined {
  switch (kind) {
    case "npm-shrinkwrap.json":
    case "package-lock.json":
      return npmPins(text);
    case "pnpm-lock.yaml":
      return pnpmPins(text);
    case "yarn.lock":
      return text.includes("\n__metadata:") ? berryPins(text) : classicPins(text);
    case "bun.lock":
    case "bun.lockb":
      return undefined;
  }
}

interface NpmLock {
  readonly packages?: Readonly<Record<string, { readonly name?: string; readonly version?: string }>>;
  readonly dependencies?: OldEntries;
}

type OldEntries = Readonly<Record<string, { readonly version?: string; readonly dependencies?: OldEntries }>>;

/**
 * Reads lockfileVersion 2 and 3, where the keys of `packages` are paths. The entry of an alias has the package's own
 * `name`. Version 1 has `dependencies` that nest, where the version of an alias is `npm:name@version`.
 */
function npmPins(text: string): Set<string> {
  const pins = new Set<string>();
  const lock = JSON.parse(text) as NpmLock;
  if (lock.packages === undefined) addOldPins(pins, lock.dependencies ?? {});
  for (const [path, entry] of Object.entries(lock.packages ?? {})) {
    const marker = path.lastIndexOf("node_modules/");
    if (marker < 0 || entry.version === undefined) continue;
    pins.add(`${entry.name ?? path.slice(marker + "node_modules/".length)}@${entry.version}`);
  }
  return pins;
}

function addOldPins(pins: Set<string>, entries: OldEntries): void {
  for (const [name, { version = "", dependencies = {} }] of Object.entries(entries)) {
    pins.add(version.startsWith("npm:") ? version.slice("npm:".length) : `${name}@${version}`);
    addOldPins(pins, dependencies);
  }
}

/**
 * Reads the keys of `packages`: `name@version` in version 9, in quotes when they begin with `@`; `/name@version(peers)` in
 * version 6; `/name/version_peers` in version 5.
 */
function pnpmPins(text: string): Set<string> {
  const start = text.indexOf("\npackages:\n");
  const rest = start < 0 ? "" : text.slice(start + 1);
  const end = rest.indexOf("\nsnapshots:\n");
  const section = end < 0 ? rest : rest.slice(0, end);
  const keys = section.matchAll(/^ {2}'?\/?((?:@[^/\s]+\/)?[^@/\s']+)[@/](\d[^:(_']*)[^:']*'?:$/gm);
  return new Set([...keys].map((match) => `${match[1]}@${match[2]}`));
}

/**
 * Reads yarn classic's format. The first line of a block lists `name@range`s, separated by commas. The range of an
 * alias is `npm:name@range`.
 */
function classicPins(text: string): Set<string> {
  const pins = new Set<string>();
  for (const match of text.matchAll(/^(\S[^\n]*):\n {2}version "([^"]+)"$/gm)) {
    for (const pattern of (match[1] ?? "").split(", ")) {
      const plain = pattern.replaceAll('"', "");
      const alias = plain.indexOf("@npm:");
      const wanted = alias < 0 ? plain : plain.slice(alias + "@npm:".length);
      pins.add(`${wanted.slice(0, wanted.indexOf("@", 1))}@${match[2]}`);
    }
  }
  return pins;
}

function berryPins(text: string): Set<string> {
  const matches = text.matchAll(/^ {2}resolution: "((?:@[^/]+\/)?[^@"]+)@npm:([^":]+)/gm);
  return new Set([...matches].map((match) => `${match[1]}@${match[2]}`));
}
