/**
 * Takes over what a build made, without changing what it says: every file of it, except environment files. A release
 * holds no links, so the links by which package managers share packages become directories, from which every package
 * finds the same others as before.
 */
import { copyFileSync, cpSync, mkdirSync, readdirSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { isEnvFile } from "../app/index.ts";
import { NAMES } from "../../release/index.ts";
import type { AppOutput } from "./recognize.ts";

/**
 * Copies an output, and the static files that belong to it.
 * @param appDir the built app
 * @param to an empty directory
 */
export function takeOutput(appDir: string, output: AppOutput, to: string): void {
  const made = join(appDir, output.directory);
  const top = realpathSync(made);
  copyFiles(made, to, (source, target) => copyModules(source, target, top));
  for (const { from, to: place } of output.beside) {
    cpSync(join(appDir, from), join(to, place), {
      recursive: true,
      dereference: true,
      filter: (path) => !isEnvFile(basename(path)),
    });
  }
}

type TakeModules = (source: string, target: string) => void;

/**
 * Copies the files of a directory. Links become what they lead to.
 * @param takeModules copies each node_modules; without it, nothing of that name is copied
 */
function copyFiles(from: string, to: string, takeModules?: TakeModules): void {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    const isModules = entry.name === NAMES.modules;
    if (isEnvFile(entry.name) || (isModules && takeModules === undefined)) continue;
    const found = statSync(source, { throwIfNoEntry: false });
    // A link that leads nowhere, or to a directory that contains it, names nothing that could be loaded.
    if (found === undefined || (entry.isSymbolicLink() && contains(source, from))) continue;
    if (found.isFile()) copyFileSync(source, target);
    else if (found.isDirectory() && isModules) takeModules?.(source, target);
    else if (found.isDirectory()) copyFiles(source, target, takeModules);
  }
}

function contains(link: string, directory: string): boolean {
  return `${realpathSync(directory)}/`.startsWith(`${realpathSync(link)}/`);
}

interface Placed {
  /** The package's real directory. */
  readonly real: string;
  /** Its directory in the copy. */
  readonly to: string;
}

/**
 * Copies a node_modules. Packages that only a link reaches come to the top, or below the package that needs them.
 * @param top the real path of the whole output
 */
function copyModules(from: string, to: string, top: string): void {
  const placed = new Map<string, string>();
  const queue: Placed[] = [];
  const place = (real: string, at: string): void => {
    if (placed.has(at)) return;
    placed.set(at, real);
    queue.push({ real, to: at });
  };
  for (const [name, real] of packagesIn(from)) place(real, join(to, name));
  for (const one of queue) {
    copyFiles(one.real, one.to);
    for (const [name, real] of packagesIn(join(one.real, NAMES.modules)))
      place(real, join(one.to, NAMES.modules, name));
    for (const [name, real] of neighbours(one.real, from, top)) {
      const seen = visible(placed, one.to, name, to);
      if (seen === real) continue;
      place(real, seen === undefined ? join(to, name) : join(one.to, NAMES.modules, name));
    }
  }
}

/** The packages of a node_modules with their real directories. Stores such as `.pnpm` are reached by links alone. */
function packagesIn(modules: string): Map<string, string> {
  const found = new Map<string, string>();
  const visit = (below: string): void => {
    if (statSync(join(modules, below), { throwIfNoEntry: false })?.isDirectory() !== true) return;
    for (const name of readdirSync(join(modules, below))) {
      const path = join(below, name);
      if (name.startsWith(".")) continue;
      if (below === "" && name.startsWith("@")) visit(name);
      else if (statSync(join(modules, path), { throwIfNoEntry: false })?.isDirectory() === true)
        found.set(path, realpathSync(join(modules, path)));
    }
  };
  visit("");
  return found;
}

/** The packages beside a package in a store, which it finds there. None when it lies where the copy's own rules reach. */
function neighbours(real: string, modules: string, top: string): ReadonlyMap<string, string> {
  const at = real.lastIndexOf(`/${NAMES.modules}/`);
  if (at === -1) return new Map();
  const beside = join(real.slice(0, at), NAMES.modules);
  const reached = !relative(dirname(beside), realpathSync(modules)).startsWith("..");
  return reached || !`${beside}/`.startsWith(`${top}/`) ? new Map() : packagesIn(beside);
}

/** The real directory of the package that a package in the copy finds under a name. */
function visible(
  placed: ReadonlyMap<string, string>,
  from: string,
  name: string,
  top: string,
): string | undefined {
  for (let directory = from; directory.startsWith(dirname(top)); directory = dirname(directory)) {
    const found = placed.get(join(directory, NAMES.modules, name));
    if (found !== undefined) return found;
    if (directory === dirname(top)) return undefined;
  }
  return undefined;
}
