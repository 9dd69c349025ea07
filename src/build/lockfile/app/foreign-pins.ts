/**
 * Reads the packages in another package manager's lockfile, each as `name@version`, without Bun. This serves to check
 * that the conversion to bun.lock changed no version. An alias counts under the package's own name. Pure.
 */
import type { LockfileKind } from "../../app/index.ts";

/** The packages in a lockfile's text. Undefined for Bun's own formats, which need no such check. */
export function parseForeignPins(kind: LockfileKind, text: string): Set<string> | undefined {
  switch (kind) {
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
}

/**
 * Reads lockfileVersion 2 and 3, where the keys of `packages` are paths. The entry of an alias has the package's own
 * `name`.
 */
function npmPins(text: string): Set<string> {
  const pins = new Set<string>();
  for (const [path, entry] of Object.entries((JSON.parse(text) as NpmLock).packages ?? {})) {
    const marker = path.lastIndexOf("node_modules/");
    if (marker < 0 || entry.version === undefined) continue;
    pins.add(`${entry.name ?? path.slice(marker + "node_modules/".length)}@${entry.version}`);
  }
  return pins;
}

/** Reads version 9, where the keys of `packages` are `name@version`, in quotes when they begin with `@`. */
function pnpmPins(text: string): Set<string> {
  const start = text.indexOf("\npackages:\n");
  const rest = start < 0 ? "" : text.slice(start + 1);
  const end = rest.indexOf("\nsnapshots:\n");
  const section = end < 0 ? rest : rest.slice(0, end);
  return new Set(
    [...section.matchAll(/^ {2}'?((?:@[^/\s]+\/)?[^@\s']+@\d[^:(']*)'?:$/gm)].map((match) => match[1] ?? ""),
  );
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
