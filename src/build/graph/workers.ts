/**
 * Finds the workers that a source file starts by a path which it computes from its own place, such as
 * `new Worker(new URL("./resize.ts", import.meta.url))`. A worker is an entry point of its own: nothing imports it, so a
 * compiled app has it only if the build names it. Inside the app it has another path, see {@link embeddedPath}.
 */
import { statSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { folderOf, type FilesContext } from "./files.ts";
import { pathOf } from "./fold.ts";
import { chainOf, child, children, parseSource, walk, type SyntaxNode } from "./syntax.ts";

/** An expression whose value leads to a script. */
export interface WorkerUse {
  /** Absolute path of the script. */
  readonly path: string;
  /** `worker`: the argument of `new Worker`. `address`: a `new URL` that may be given to one elsewhere. */
  readonly kind: "worker" | "address";
  readonly start: number;
  readonly end: number;
}

const SUSPECT = /\bWorker\s*\(|\bnew\s+URL\s*\(/;
const SCRIPT = /\.[cm]?[jt]sx?$/;

/** The workers of a source, outermost expression first. */
export function findWorkers(text: string, context: FilesContext): readonly WorkerUse[] {
  if (!SUSPECT.test(text)) return [];
  const program = parseSource(context.path, text);
  if (program === undefined) return [];
  const { fold } = folderOf(program, context);
  const found: WorkerUse[] = [];
  const add = (kind: WorkerUse["kind"], node: SyntaxNode | undefined): void => {
    const path = scriptAt(fold(node), context);
    if (node !== undefined && path !== undefined)
      found.push({ kind, path, start: node.start, end: node.end });
  };
  walk(program, (node) => {
    if (node.type !== "NewExpression") return;
    const callee = chainOf(child(node, "callee")).at(-1);
    if (callee === "Worker") add("worker", children(node, "arguments")[0]);
    if (callee === "URL") add("address", node);
  });
  return found;
}

/**
 * The script that a worker's first argument names. A relative text is looked for beside the source and in the app's
 * directory, because Bun takes it relative to the directory in which the app starts.
 */
function scriptAt(value: string | undefined, { path, appDir }: FilesContext): string | undefined {
  if (value === undefined || !SCRIPT.test(value)) return undefined;
  const named = pathOf(value);
  const places = named.startsWith("/")
    ? [named]
    : [dirname(path), appDir].map((from) => resolve(from, named));
  return places.find((place) => statSync(place, { throwIfNoEntry: false })?.isFile() === true);
}

/** The scripts among them that are started as workers and lie in the workspace. */
export function workersIn(uses: readonly WorkerUse[], root: string): readonly string[] {
  return uses
    .filter(({ kind, path }) => kind === "worker" && !relative(root, path).startsWith(".."))
    .map(({ path }) => path);
}

/**
 * The path by which a compiled app knows an entry point: the first has the binary's name, the others lie below the
 * directory that all entry points have in common, as JavaScript (measured on Bun 1.3.7 and 1.4.5).
 * @param entries absolute paths of all entry points
 * @param binary the binary's file name
 */
export function embeddedPath(path: string, entries: readonly string[], binary: string): string {
  const inside =
    path === entries[0] ? binary : relative(commonDirectory(entries), path).replace(SCRIPT, ".js");
  return join("/$bunfs/root", inside);
}

function commonDirectory(paths: readonly string[]): string {
  const [first = [], ...rest] = paths.map((path) => dirname(path).split(sep));
  const length = first.findIndex((part, index) => rest.some((other) => other[index] !== part));
  return (length === -1 ? first : first.slice(0, length)).join(sep) || sep;
}
