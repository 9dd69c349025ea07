/**
 * Reads an app's output for the reason why it ended: a module or file that it could not find. The messages are those of
 * Node 20 to 26, Bun 1.2 to 1.4 and the C libraries. Pure.
 */

/** A module or file that was not found. */
export interface Unresolved {
  /**
   * `native`: a shared library that could not be loaded. `current`: a file that the release has, and that the app looked
   * for in the current directory.
   */
  readonly kind: "module" | "file" | "native" | "current";
  readonly name: string;
  /** The line that says so. */
  readonly line: string;
}

export interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

/** What is known of the release whose output is read. */
export interface OutputContext {
  /** The release's directory. A file that is missing below it is the release's fault. */
  readonly release: string;
  /** Packages that the app can start without. */
  readonly optional: readonly string[];
  /** The directory in which the app was started. It is empty then. */
  readonly current: string;
  /** Says whether the release has the app's file of this path, which is relative. */
  readonly has: (path: string) => boolean;
}

/** Lines at the end of an output in which the reason is looked for. Node prints 20 after the message, at most. */
const LAST = 40;
/** Lines that a message quotes. */
const QUOTED = 12;

/** The messages, with the name in the first group. */
const MODULES: readonly RegExp[] = [
  /(?:Cannot find (?:module|package)|Module not found:?|Could not resolve:?) ["']([^"']+)["']/i,
  /No such built-in module: (\S+)/,
  /Package (?:subpath|import specifier) ["']([^"']+)["'] is not defined/,
  /Directory import ["']([^"']+)["'] is not supported/,
  /The requested module ["']([^"']+)["'] does not provide an export named/,
  /Export named ["'][^"']+["'] not found in module ["']([^"']+)["']/,
];
const NATIVES: readonly RegExp[] = [
  /(\S+): cannot open shared object file/,
  /Error loading shared library (\S+):/,
  /(\S+\.node): (?:invalid ELF header|undefined symbol|wrong ELF class)/,
  /The module ["']([^"']+\.node)["']/,
];
const MISSING_FILE =
  /\b(?:ENOENT|ENOTDIR)\b: (?:no such file or directory|not a directory), \w+ ["']([^"']+)["']/;
/** The directory that Bun shows the compiled files in. No file lies there that was not compiled in. */
const COMPILED = /^(?:\/\$bunfs\/|B:[\\/]~BUN[\\/])/;
const WARNING = /\bwarn(?:ing)?\b/i;

/**
 * The last line at the end of the output that tells of a missing module, native file or file of the release. Undefined
 * when there is none. Warnings do not count, and neither do packages that the app can start without, nor files
 * elsewhere, because these are configuration and data.
 */
export function findUnresolved({ stdout, stderr }: Output, context: OutputContext): Unresolved | undefined {
  for (const text of [stderr, stdout]) {
    for (const line of linesOf(text).slice(-LAST).toReversed()) {
      const found = WARNING.test(line) ? undefined : readLine(line, context);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function readLine(line: string, context: OutputContext): Unresolved | undefined {
  const { release, optional, current, has } = context;
  const named = (patterns: readonly RegExp[]): string | undefined =>
    patterns.map((pattern) => pattern.exec(line)?.[1]).find((name) => name !== undefined);
  const module = named(MODULES);
  if (module !== undefined && !optional.some((name) => module === name || module.startsWith(`${name}/`)))
    return { kind: "module", name: module, line };
  const native = named(NATIVES);
  if (native !== undefined) return { kind: "native", name: native, line };
  const file = MISSING_FILE.exec(line)?.[1];
  const relative = file?.replace(`${current}/`, "").replace(/^(?:\.\/)+/, "");
  if (relative !== undefined && !/^(?:\/|\.\.\/)/.test(relative) && has(relative))
    return { kind: "current", name: relative, line };
  if (file === undefined || !(COMPILED.test(file) || file.startsWith(`${release}/`))) return undefined;
  return { kind: "file", name: file.replace(`${release}/`, ""), line };
}

/** The last lines of an output, for a message: standard output before standard error. */
export function lastWords({ stdout, stderr }: Output): string[] {
  const said = linesOf(stderr).slice(-QUOTED);
  return [...linesOf(stdout).slice(-Math.max(QUOTED - said.length, 2)), ...said];
}

/** The last line that says something, of standard error if there is one. The last line of Node and Bun is a version. */
export function lastLine({ stdout, stderr }: Output): string | undefined {
  const lines = linesOf(stderr).length > 0 ? linesOf(stderr) : linesOf(stdout);
  const own = lines.filter((line) => !/^(?:Node\.js v|Bun v)\d/.test(line));
  const error = own.findLast((line) => /^\s*(?:\w*Error\b.*:|error:)/.test(line));
  return (error ?? own.at(-1))?.trim();
}

/** A line of the source around an error, which Bun prints with its number, and the mark below it. */
const EXCERPT = /^\s*(?:\d+ \| |\^$)/;
/** Characters of a line that count. Bundled sources have lines of megabytes. */
const LONGEST = 300;

/** The lines that say something, without excerpts of sources. */
function linesOf(text: string): string[] {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "" && !EXCERPT.test(line))
    .map((line) => (line.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line));
}
