/**
 * Recognises a server that a framework's build has made, by what lies there: the directory that is complete in itself,
 * and the static files that belong into it. Reads the built app, and changes nothing.
 */
import { existsSync, readdirSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { NAMES } from "../../release/index.ts";

/** What a build made. All paths have forward slashes. */
export interface AppOutput {
  /** Whose output it is, for messages. */
  readonly name: string;
  /** The directory that becomes lib/app, relative to the app. */
  readonly directory: string;
  /** The file that starts the app, relative to `directory`. */
  readonly entry: string;
  /** Static files that lie elsewhere: `from` is relative to the app, `to` to `directory`. */
  readonly beside: readonly { readonly from: string; readonly to: string }[];
  /** True when the packages that the server needs lie in it, as the build traced them. */
  readonly traced: boolean;
}

type Shape = Omit<AppOutput, "traced">;

/**
 * Recognises the output to which an entry belongs.
 * @param appDir the built app
 * @param entry the file that starts the app, relative to `appDir`; Next.js may have put it deeper
 * @param part the directory that becomes lib/app when nothing is recognised, and that the build made; undefined when it
 *   also has files that the build did not make
 */
export function recognizeOutput(
  appDir: string,
  entry: string,
  part: string | undefined,
): AppOutput | undefined {
  const shape =
    nitro(appDir, entry) ??
    next(appDir, entry) ??
    svelteKit(appDir, entry) ??
    astro(appDir, entry) ??
    anyTraced(appDir, entry, part);
  if (shape === undefined) return undefined;
  return { ...shape, traced: hasModules(join(appDir, shape.directory)) };
}

/** Nitro, and what is built with it: Nuxt, SolidStart, TanStack Start, Analog. */
function nitro(appDir: string, entry: string): Shape | undefined {
  const directory = dirname(dirname(entry));
  const inside = relative(directory, entry);
  const told = existsSync(join(appDir, directory, "nitro.json")) || /(?:^|\/)\.output$/.test(directory);
  if (!told || !/^server\/index\.m?js$/.test(inside) || !existsSync(join(appDir, entry))) return undefined;
  return { name: "Nitro", directory, entry: inside, beside: [] };
}

/**
 * Next.js. In a workspace the server lies as deep in `standalone` as the app lies in the workspace. Neither `public` nor
 * `.next/static` is in it (Next.js documentation, "output", "Automatically Copying Traced Files").
 */
function next(appDir: string, entry: string): Shape | undefined {
  const made = /^(.*?)\/standalone(?:\/.*)?\/server\.js$/.exec(entry)?.[1];
  if (made === undefined) return undefined;
  const directory = `${made}/standalone`;
  const server = findServer(join(appDir, directory), made);
  if (server === undefined) return undefined;
  const below = dirname(server);
  const places = [
    { from: `${made}/static`, to: join(below, made, "static") },
    { from: "public", to: join(below, "public") },
  ];
  const beside = places.filter(({ from }) => existsSync(join(appDir, from)));
  return { name: "Next.js", directory, entry: server, beside };
}

/** The server.js beside which the rest of the build lies, relative to `standalone`. */
function findServer(standalone: string, made: string): string | undefined {
  const queue = existsSync(standalone) ? [""] : [];
  for (const below of queue) {
    const here = join(standalone, below);
    if (existsSync(join(here, "server.js")) && existsSync(join(here, made, "BUILD_ID")))
      return join(below, "server.js");
    for (const entry of readdirSync(here, { withFileTypes: true })) {
      if (entry.isDirectory() && entry.name !== NAMES.modules && entry.name !== made)
        queue.push(join(below, entry.name));
    }
  }
  return undefined;
}

/** SvelteKit with adapter-node. */
function svelteKit(appDir: string, entry: string): Shape | undefined {
  const directory = dirname(entry);
  const parts = ["index.js", "handler.js", "server/manifest.js"];
  if (directory === "." || !parts.every((path) => existsSync(join(appDir, directory, path))))
    return undefined;
  return { name: "SvelteKit", directory, entry: relative(directory, entry), beside: [] };
}

/** Astro with @astrojs/node, and other builds that leave `server` beside the `client` that it serves. */
function astro(appDir: string, entry: string): Shape | undefined {
  const directory = dirname(dirname(entry));
  const inside = relative(directory, entry);
  if (directory === "." || !inside.startsWith("server/")) return undefined;
  const parts = [inside, "client"];
  if (!parts.every((path) => existsSync(join(appDir, directory, path)))) return undefined;
  return { name: "server and client", directory, entry: inside, beside: [] };
}

/** Whatever else a build made with the packages in it. */
function anyTraced(appDir: string, entry: string, part: string | undefined): Shape | undefined {
  if (part === undefined || part === "." || !existsSync(join(appDir, entry))) return undefined;
  if (!hasModules(join(appDir, part))) return undefined;
  return { name: "a traced build", directory: part, entry: relative(part, entry), beside: [] };
}

/** Says whether a directory holds packages, at any depth. */
function hasModules(directory: string): boolean {
  return readdirSync(directory, { withFileTypes: true }).some(
    (entry) =>
      entry.isDirectory() && (entry.name === NAMES.modules || hasModules(join(directory, entry.name))),
  );
}
