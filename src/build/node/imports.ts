/**
 * Reads what the compiled JavaScript of a Node app imports: the specifiers for the load probe, and packages that are
 * not among its production dependencies. A common mistake is a devDependency that is needed at run time. The app then
 * works until it is shipped, so the mistake is refused here.
 */
import { existsSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { GantryError, type Finding } from "../../base/errors.ts";
import { NAMES } from "../../release/index.ts";
import { outputLines, run } from "../../base/process/index.ts";
import { scriptArguments, toolEnvironment } from "../../runtime/index.ts";
import type { Environment } from "../../base/environment.ts";
import { isFile } from "../app/index.ts";
import { listJavaScript } from "./javascript.ts";

export interface ScannedFile {
  readonly file: string;
  /** `fixed` is true for an import statement, which always runs. A require() or import() may be in a try block. */
  readonly imports: readonly { readonly specifier: string; readonly fixed: boolean }[];
  readonly problem?: string;
}

export interface ImportOptions {
  /** lib/app as it is shipped. */
  readonly directory: string;
  /** The file that starts the app, relative to `directory`. */
  readonly entry: string;
  /** Path of the node_modules that is shipped. */
  readonly modules: string;
  /** The app's own package name, which it may import. */
  readonly name: string;
  /** True when the build traced the packages into `directory`: it then knows what is needed, and nothing is refused. */
  readonly traced?: boolean;
  readonly bun: string;
  readonly environment: Environment;
  readonly log: { readonly warn: (text: string) => void };
}

/** Number of files on a command line, whose length is limited (execve(2), E2BIG). */
const AT_ONCE = 500;

/**
 * Reads all imports of packages. Only files that the entry reaches can fail the build: beside them lie tests, tools,
 * files for browsers and templates.
 * @returns specifiers by package, sorted
 * @throws GantryError MODULE_UNAVAILABLE for each package that an import statement names and the release lacks,
 *   CONFIG_INVALID for each file that an import statement names and lib/app lacks, and for JavaScript that cannot be
 *   read
 */
export async function readImports(options: ImportOptions): Promise<Record<string, string[]>> {
  const found = new Map<string, Set<string>>();
  const [lacking, doubtful] = [new Map<string, Finding>(), new Map<string, string>()];
  const scanned = await scan(options);
  const started = options.traced === true ? new Set<string>() : reachable(scanned, options.entry);
  const reached = scanned.filter(({ file }) => started.has(file));
  refuseBroken(reached);
  for (const { file, imports } of scanned) {
    for (const { specifier, fixed } of imports) {
      const name = packageOf(specifier);
      if (name === undefined || name === options.name) continue;
      found.set(name, (found.get(name) ?? new Set()).add(specifier));
      const places = [options.modules, join(options.directory, NAMES.modules)];
      if (!fixed || options.traced === true || places.some((modules) => existsSync(join(modules, name))))
        continue;
      if (started.has(file)) lacking.set(name, lackingPackage(specifier, name, file));
      else if (!DEVELOPMENT.test(file)) doubtful.set(name, file);
    }
  }
  const absent = reached.flatMap((one) => absentFiles(one, options.directory));
  const [first, ...rest] = [...lacking.values(), ...absent];
  if (first !== undefined) throw new GantryError(first, ...rest);
  for (const [name, file] of doubtful) {
    options.log.warn(
      `${NAMES.app}/${file} imports ${name}, which no production dependency brings: if the app loads that file when it runs, move ${name} to "dependencies"`,
    );
  }
  return Object.fromEntries([...found].map(([name, specifiers]) => [name, [...specifiers].toSorted()]));
}

function lackingPackage(specifier: string, name: string, file: string): Finding {
  return {
    code: "MODULE_UNAVAILABLE",
    what: `the compiled app imports "${specifier}", and no production dependency brings it`,
    where: `${NAMES.app}/${file}`,
    fix: `move ${name} to "dependencies", or let the app's build bundle it`,
  };
}

function refuseBroken(reached: readonly ScannedFile[]): void {
  const findings = reached.flatMap(({ file, problem }): Finding[] => {
    if (problem === undefined) return [];
    const what = `the compiled JavaScript cannot be read: ${problem}`;
    return [{ code: "CONFIG_INVALID", what, where: `${NAMES.app}/${file}`, fix: "correct the app's build" }];
  });
  const [first, ...rest] = findings;
  if (first !== undefined) throw new GantryError(first, ...rest);
}

/**
 * Matches tests, tools and their settings. In an app that is JavaScript already, they lie beside its code. Nothing is
 * said of a package that only such a file imports, unless the entry reaches the file.
 */
const DEVELOPMENT =
  /(?:^|\/)(?:tests?|__tests__|__mocks__|spec|e2e|bench|benchmarks?|scripts|examples?|\.[^/]+)\/|(?:^|\/)\.[^/]+$|\.(?:test|spec|bench|stories|config)\.[cm]?js$/;

/** Endings that a path in an import may omit where a compiler or require() reads it. */
const ENDINGS = ["", ".js", ".cjs", ".mjs", "/index.js", "/index.cjs", "/index.mjs"] as const;

/**
 * Findings for paths in import statements that Node will not find. Node takes such a path as a URL, adds no ending and
 * looks for no index (Node's documentation, ECMAScript modules, "Mandatory file extensions").
 */
function absentFiles({ file, imports }: ScannedFile, directory: string): Finding[] {
  return imports.flatMap(({ specifier, fixed }): Finding[] => {
    if (!fixed || !/^\.{1,2}\//.test(specifier)) return [];
    const path = join(dirname(file), decodeURI(specifier.replace(/[?#].*$/, "")));
    const outside = path.startsWith("../");
    if (!outside && isFile(join(directory, path))) return [];
    const what = `the compiled app imports "${specifier}", ${outside ? "which lies outside what becomes lib/app" : "and there is no such file"}`;
    const ending = ENDINGS.find((one) => isFile(join(directory, path + one)));
    return [
      {
        code: "CONFIG_INVALID",
        what,
        where: `${NAMES.app}/${file}`,
        fix: outside
          ? 'set "gantry.app" to ".", so that lib/app holds the whole app, or let the app\'s build bundle that file'
          : ending === undefined
            ? "let the app's build make or copy that file"
            : `write "${specifier}${ending}" in the source, as Node's import needs it ("module": "nodenext" in tsconfig.json finds all such places), or let the app's build bundle it`,
      },
    ];
  });
}

/**
 * The files that the entry imports by paths, directly or through other files, with the entry itself. Of a package of
 * the workspace that it imports, every file counts.
 */
function reachable(scanned: readonly ScannedFile[], entry: string): ReadonlySet<string> {
  const byName = new Map(scanned.map((one) => [one.file, one]));
  const inside = (name: string): string[] =>
    [...byName.keys()].filter((file) => file.startsWith(`${NAMES.modules}/${name}/`));
  const found = new Set([entry]);
  for (const file of found) {
    for (const { specifier } of byName.get(file)?.imports ?? []) {
      const name = packageOf(specifier);
      for (const one of name === undefined ? [] : inside(name)) found.add(one);
      if (!/^\.{1,2}(?:\/|$)/.test(specifier)) continue;
      const path = join(dirname(file), specifier);
      const target = ENDINGS.map((ending) => path + ending).find((one) => byName.has(one));
      if (target !== undefined) found.add(target);
    }
  }
  return found;
}

/** The package that a specifier names. Undefined for paths, URLs, `#imports` and Node's own modules. */
function packageOf(specifier: string): string | undefined {
  if (isBuiltin(specifier)) return undefined;
  return /^(@[^/]+\/[^/]+|[^/@.#:][^/:]*)(?:\/|$)/.exec(specifier)?.[1];
}

const isInModules = (file: string): boolean => file.split("/").includes(NAMES.modules);

async function scan(options: ImportOptions): Promise<ScannedFile[]> {
  const worker = fileURLToPath(new URL(`scan${extname(import.meta.url)}`, import.meta.url));
  // An entry such as bin/www has no ending.
  const own = listJavaScript(options.directory).filter(
    (file) => options.traced !== true || !isInModules(file),
  );
  const files = [...new Set([...own, options.entry])];
  const scanned: ScannedFile[] = [];
  for (let at = 0; at < files.length; at += AT_ONCE) {
    const args = scriptArguments(worker, options.directory, ...files.slice(at, at + AT_ONCE));
    const environment = toolEnvironment(options.environment, { BUN_BE_BUN: "1" });
    const result = await run(options.bun, args, { cwd: options.directory, environment });
    if (result.code !== 0) {
      const what = "Bun could not read the compiled JavaScript";
      throw new GantryError({ code: "INTERNAL", what, detail: outputLines(result.stderr).slice(0, 8) });
    }
    scanned.push(...(JSON.parse(result.stdout) as ScannedFile[]));
  }
  return scanned;
}
