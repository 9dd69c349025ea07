/**
 * Reads the commands by which people start an app: scripts of package.json, and the lines of a Procfile or a
 * Dockerfile. A command is reduced to the runtime, the file or program that it starts, and the arguments. Pure.
 */

export interface StartCommand {
  readonly runtime: "bun" | "node";
  /** The file that it runs, as the command names it: `./dist/main`, `.`. */
  readonly file?: string | undefined;
  /** The program of a package that it runs instead: `next`, `strapi`. */
  readonly program?: string | undefined;
  readonly arguments: readonly string[];
}

type Scripts = Readonly<Record<string, unknown>>;

/** Programs that run a file of the app by Node, after compiling it or again and again. */
const RUNNERS: ReadonlySet<string> = new Set(
  "tsx ts-node ts-node-esm ts-node-dev tsnd babel-node esno jiti swc-node nodemon node-dev supervisor".split(
    " ",
  ),
);
/** Programs that only pass a command on. `--` or the first word that is no flag ends their own arguments. */
const WRAPPERS: Readonly<Record<string, readonly string[]>> = {
  "cross-env": [],
  "cross-env-shell": [],
  env: [],
  exec: [],
  npx: ["-p", "--package"],
  bunx: [],
  dotenv: ["-e", "-v", "-c"],
  dotenvx: ["-f"],
  "env-cmd": ["-f", "-e", "-r"],
  "dumb-init": [],
  tini: [],
};
const MANAGERS: ReadonlySet<string> = new Set(["npm", "pnpm", "yarn"]);
/** Flags of Node, Bun and the runners whose value is the next word. */
const VALUED: ReadonlySet<string> = new Set(
  "-r --require --import --loader --experimental-loader -C --conditions --env-file --env-file-if-exists --preload -c --config --title --watch-path --project -P --tsconfig -w --watch -e --ext -i --ignore".split(
    " ",
  ),
);
/** Words that a shell would expand or connect, apart from the `&&` and `;` at which a command is divided. */
const SHELL = /[|<>`]|\$\(/;

/**
 * Reads a command.
 * @param scripts the scripts of package.json, which a command may name
 * @returns undefined when the command starts nothing that runs on Node or Bun
 */
export function parseStartCommand(
  text: string,
  scripts: Scripts = {},
  seen: ReadonlySet<string> = new Set(),
): StartCommand | undefined {
  const last = text.split(/&&|;/).at(-1)?.trim() ?? "";
  return SHELL.test(last) ? undefined : parseWords(wordsOf(last), scripts, seen);
}

/** The words of a command, without the quotes around them. */
function wordsOf(text: string): string[] {
  return [...text.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    (match) => match[1] ?? match[2] ?? match[3] ?? "",
  );
}

/** Reads the words of a command, as the JSON form of a Dockerfile's CMD has them. */
export function parseWords(
  words: readonly string[],
  scripts: Scripts,
  seen: ReadonlySet<string> = new Set(),
): StartCommand | undefined {
  const [program = "", ...rest] = words.slice(words.findIndex((word) => !/^\w+=/.test(word)));
  const name = program.replace(/^.*\//, "");
  const own = WRAPPERS[name];
  if (own !== undefined) return parseWords(wrapped(rest, own), scripts, seen);
  if (MANAGERS.has(name)) return parseManager(name, rest, scripts, seen);
  if (name === "bun") return parseBun(rest, scripts, seen);
  if (name === "node" || name === "nodejs") return parseFile("node", rest);
  const executed = rest.findIndex((word) => word === "--exec" || word === "-x");
  if (RUNNERS.has(name) && executed !== -1)
    return parseWords(wordsOf(rest.slice(executed + 1).join(" ")), scripts, seen);
  if (RUNNERS.has(name)) return parseFile("node", rest[0] === "watch" ? rest.slice(1) : rest);
  if (name === "pm2" || name === "pm2-runtime")
    return parseFile("node", rest[0] === "start" ? rest.slice(1) : rest);
  if (!/^[a-z][\w.-]*$/.test(name) || NO_PROGRAM.has(name)) return undefined;
  return { runtime: "node", program: name, arguments: literal(rest) };
}

/** Commands that start no program of a package. */
const NO_PROGRAM: ReadonlySet<string> = new Set(
  "deno docker docker-compose sh bash echo make cd sleep test true".split(" "),
);

/** What a wrapper passes on. */
function wrapped(words: readonly string[], valued: readonly string[]): readonly string[] {
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? "";
    if (word === "--") return words.slice(at + 1);
    if (valued.includes(word)) at += 1;
    else if (!word.startsWith("-") && word !== "run") return words.slice(at);
  }
  return [];
}

function parseManager(
  name: string,
  words: readonly string[],
  scripts: Scripts,
  seen: ReadonlySet<string>,
): StartCommand | undefined {
  const [verb = "", ...rest] = words.filter((word) => word !== "-s" && word !== "--silent" && word !== "--");
  if (verb === "exec" || verb === "dlx" || verb === "x") return parseWords(rest, scripts, seen);
  const script = verb === "run" || verb === "run-script" ? (rest[0] ?? "") : verb;
  if (typeof scripts[script] === "string") return followScript(script, scripts, seen);
  // pnpm and yarn run programs of packages by their names alone.
  return name === "npm" || verb === "run" ? undefined : parseWords(words, scripts, seen);
}

function followScript(script: string, scripts: Scripts, seen: ReadonlySet<string>): StartCommand | undefined {
  const text = scripts[script];
  if (typeof text !== "string" || seen.has(script)) return undefined;
  return parseStartCommand(text, scripts, new Set([...seen, script]));
}

function parseBun(
  words: readonly string[],
  scripts: Scripts,
  seen: ReadonlySet<string>,
): StartCommand | undefined {
  const rest = withoutFlags(words.filter((word) => word !== "run"));
  const [named = "", ...args] = rest;
  if (named === "x") return parseWords(args, scripts, seen);
  if (typeof scripts[named] !== "string")
    return /[./]/.test(named) ? { runtime: "bun", file: named, arguments: literal(args) } : undefined;
  const followed = followScript(named, scripts, seen);
  // With --bun, programs that ask for node get Bun.
  return followed !== undefined && words.includes("--bun") ? { ...followed, runtime: "bun" } : followed;
}

function parseFile(runtime: "bun" | "node", words: readonly string[]): StartCommand | undefined {
  const [file, ...rest] = withoutFlags(words);
  if (file === undefined || /\$/.test(file)) return undefined;
  return { runtime, file, arguments: literal(rest) };
}

function withoutFlags(words: readonly string[]): readonly string[] {
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? "";
    if (VALUED.has(word)) at += 1;
    else if (!word.startsWith("-") && !/^[A-Z_]+=/.test(word)) return words.slice(at);
  }
  return [];
}

/** Arguments that mean the same without a shell. None when one of them is a variable. */
function literal(words: readonly string[]): readonly string[] {
  return words.some((word) => word.includes("$")) ? [] : words.filter((word) => word !== "--");
}

/** What `bun build FILE --compile --outfile BINARY` names. */
export interface CompileCommand {
  readonly file: string;
  readonly binary?: string | undefined;
}

/** Reads a command that compiles by Bun. Undefined for any other command. */
export function parseCompileCommand(text: string): CompileCommand | undefined {
  const words = text
    .split(/&&|;/)
    .map((part) => wordsOf(part.trim()))
    .find(
      (part) =>
        part.includes("--compile") &&
        part.includes("build") &&
        part.some((word) => /(?:^|\/)bunx?$/.test(word)),
    );
  const file = words
    ?.slice(words.indexOf("build") + 1)
    .find((word) => !word.startsWith("-") && /\.[cm]?[jt]sx?$/.test(word));
  if (words === undefined || file === undefined) return undefined;
  const at = words.findIndex((word) => word.startsWith("--outfile"));
  const out = words[at]?.includes("=") === true ? words[at].split("=")[1] : words[at + 1];
  const binary = at === -1 ? undefined : out?.replace(/^.*\//, "");
  return { file, ...(binary === undefined ? {} : { binary }) };
}
