/**
 * Paths of a host, which are POSIX whatever machine gantry runs on. This room stays free of node: imports, so
 * the three operations that it needs are here.
 */

function dirname(path: string): string {
  const at = path.lastIndexOf("/");
  if (at < 0) return ".";
  return at === 0 ? "/" : path.slice(0, at);
}

function basename(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** Joins and removes empty, `.` and `..` parts; `..` above the root stays at the root. */
function join(...parts: readonly string[]): string {
  const text = parts.join("/");
  const result: string[] = [];
  for (const part of text.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === ".." && result.length > 0 && result.at(-1) !== "..") result.pop();
    else if (part !== ".." || !text.startsWith("/")) result.push(part);
  }
  return (text.startsWith("/") ? "/" : "") + result.join("/");
}

export const posix = { dirname, basename, join } as const;
