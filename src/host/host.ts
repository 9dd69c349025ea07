/**
 * All facts of one host. Each is read once, on first use. Reads files only, runs nothing and changes nothing. A fact
 * that cannot be read is unknown.
 */
import { known, unknown, valueOf, type DirectoryFacts, type HostFacts } from "./host-facts.ts";
import { parseMountInfo, readDirectory } from "./directory.ts";
import { chooseLibc, existingLoaders, readLoaders } from "./libraries/libc.ts";
import { lazily } from "./lazily.ts";
import { liveView, type HostView } from "./libraries/library.ts";
import { readCpu, readKernel, readPageSize, readSystem } from "./machine.ts";
import { hostRoot, type HostRoot } from "./root.ts";
import { readLoaderSearch, type LoaderEnvironment } from "./libraries/search-path.ts";

export interface HostOptions {
  /** The directory that is "/" of the host; "/" when left out. */
  readonly root?: string;
  /** Environment in which the modules will be loaded. */
  readonly env: LoaderEnvironment;
  /** npm-style machine of the running process. Left out for another root, whose machine is that of its first loader. */
  readonly arch?: string;
  /** Directories that gantry will use, described with mount, space and owner. */
  readonly directories?: readonly string[];
}

export function readHost(options: HostOptions): HostView {
  const root = hostRoot(options.root);
  return liveView(root, hostFacts(root, options));
}

function hostFacts(root: HostRoot, options: HostOptions): HostFacts {
  const live = root.directory === "/";
  // Facts of a kernel are unknown for another root: a /proc in it would be this machine's.
  const ofKernel = unknown("this root is not the running system");
  const facts: HostFacts = lazily<HostFacts>({
    schema: () => 1,
    arch: () => (options.arch === undefined ? archOf(facts.loaders) : known(options.arch, "process.arch")),
    system: () => readSystem(root),
    libc: () => chooseLibc(root, facts.loaders, live ? root.readText("/proc/self/maps") : undefined),
    loaders: () => readLoaders(root),
    search: () => search,
    cpu: () => (live ? readCpu(root) : ofKernel),
    kernel: () => (live ? readKernel(root) : ofKernel),
    pageSize: () => (live ? readPageSize(root) : ofKernel),
    directories: () => (live ? readDirectories(root, options.directories ?? []) : []),
  });
  const search = readLoaderSearch(
    root,
    options.env,
    () => existingLoaders(root),
    () => valueOf(facts.arch),
  );
  return facts;
}

function archOf([loader]: HostFacts["loaders"]): HostFacts["arch"] {
  return loader === undefined ? unknown("no dynamic loader was found") : known(loader.arch, loader.path);
}

function readDirectories(root: HostRoot, paths: readonly string[]): DirectoryFacts[] {
  if (paths.length === 0) return [];
  const mounts = parseMountInfo(root.readText("/proc/self/mountinfo") ?? "");
  return paths.flatMap((path) => readDirectory(path, mounts) ?? []);
}
