/**
 * Finds what an external exports, by loading it in a process of its own. When it does not load here, which is usual in
 * a build for another machine, its text is read instead. This runs in the build's worker, under Bun.
 */
import { resolveSync, Transpiler } from "bun";
import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import type { Environment } from "../../../base/environment.ts";
import { fileURLToPath } from "node:url";
import { run } from "../../../base/process/index.ts";
import { scriptArguments, toolEnvironment } from "../../../runtime/index.ts";
import type { Inspection } from "./inspect-external.ts";
import type { ExternalShape } from "../external-stubs.ts";

/** Milliseconds. A module that has not loaded after this time is treated as one that does not load. */
const PATIENCE = 30_000;

/** The Bun that runs these processes. */
interface Runner {
  readonly path: string;
  readonly environment: Environment;
}

/**
 * Makes a reader that caches its results.
 * @param roots directories with a node_modules, which are tried in this order. The first holds what is shipped. The
 *   second is the app's own installation, which may load here when the first does not
 * @param work a private directory for the results of the processes
 */
export function createShapeReader(
  roots: readonly string[],
  work: string,
  bun: Runner,
): (specifier: string) => Promise<ExternalShape> {
  const known = new Map<string, Promise<ExternalShape>>();
  return (specifier) => {
    const shape = known.get(specifier) ?? readShape(specifier, roots, work, bun);
    known.set(specifier, shape);
    return shape;
  };
}

async function readShape(
  specifier: string,
  roots: readonly string[],
  work: string,
  bun: Runner,
): Promise<ExternalShape> {
  for (const root of roots) {
    const both = await inspect({ specifier, root, work, bun, how: "both" });
    if (both?.mark !== undefined) return { load: "sync", hasDefault: hasDefault(both), mark: both.mark };
    const imported = both ?? (await inspect({ specifier, root, work, bun, how: "import" }));
    if (imported !== undefined) return { load: "async", names: imported.names };
  }
  const path = roots.map((root) => tryResolve(specifier, root)).find((found) => found !== undefined);
  return { load: "sync", hasDefault: path === undefined || mayHaveDefault(path), mark: "heeded" };
}

function hasDefault(inspection: Inspection): boolean {
  return inspection.names.includes("default");
}

interface Question {
  readonly specifier: string;
  readonly root: string;
  readonly work: string;
  readonly bun: Runner;
  readonly how: "both" | "import";
}

async function inspect({ specifier, root, work, bun, how }: Question): Promise<Inspection | undefined> {
  if (tryResolve(specifier, root) === undefined) return undefined;
  const directory = mkdtempSync(join(work, "inspect-"));
  const result = join(directory, "result.json");
  const program = fileURLToPath(new URL(`inspect-external${extname(import.meta.url)}`, import.meta.url));
  if (!existsSync(program)) throw new Error(`gantry is incomplete: ${program} is missing`);
  try {
    await run(bun.path, scriptArguments(program, specifier, root, result, how), {
      cwd: root,
      environment: toolEnvironment(bun.environment),
      timeout: PATIENCE,
    });
    return JSON.parse(readFileSync(result, "utf8")) as Inspection;
  } catch {
    // Without a result, the module did not load here.
    return undefined;
  }
}

function tryResolve(specifier: string, root: string): string | undefined {
  try {
    return resolveSync(specifier, root);
  } catch {
    return undefined;
  }
}

/**
 * Says whether a module may have a default export, which has to be known because `export *` leaves it out. A module
 * that is no ES module always has one. For an ES module, its text is searched.
 */
function mayHaveDefault(path: string): boolean {
  if (!/\.m?[jt]sx?$/.test(path)) return true;
  const { exports, imports } = new Transpiler({ loader: "tsx" }).scan(readFileSync(path, "utf8"));
  const esm = exports.length > 0 || imports.some(({ kind }) => kind === "import-statement");
  return !esm || exports.includes("default");
}
