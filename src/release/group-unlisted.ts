/** Groups the files in a release, or in its modules, that are not listed, for messages. Pure. */

interface Unlisted {
  /** A file, or a directory in which nothing is listed. */
  readonly path: string;
  readonly files: number;
}

/** Unlisted files, whole unlisted directories as one: a prepared node_modules is one finding, not hundreds. */
export function groupUnlisted(unlisted: readonly string[], listed: Iterable<string>): Unlisted[] {
  const kept = new Set([...listed].flatMap(parentsOf));
  const groups = new Map<string, number>();
  for (const path of unlisted) {
    const group = parentsOf(path).find((parent) => !kept.has(parent)) ?? path;
    groups.set(group, (groups.get(group) ?? 0) + 1);
  }
  return [...groups].map(([path, files]) => ({ path, files }));
}

/** The directories on the way to a path, outermost first: `a` and `a/b` of `a/b/c`. */
export function parentsOf(path: string): string[] {
  const parents: string[] = [];
  for (let end = path.indexOf("/"); end !== -1; end = path.indexOf("/", end + 1)) {
    parents.push(path.slice(0, end));
  }
  return parents;
}
