/**
 * Finds the variants of a module for graphics cards: CUDA, TensorRT, ROCm, Vulkan, OpenCL. They need a vendor's driver
 * that no base system has, are loaded by choice at run time (dlopen), and are the largest files of their packages:
 * 159 MB and 374 MB of node-llama-cpp 3.21.1. They are found by the libraries that they need, not by their names. What
 * stays must load without them. Pure.
 */
import { posix } from "../paths.ts";

/** A native file for the target. Paths are relative to node_modules. */
export interface LibraryFile {
  readonly path: string;
  readonly soname: string | undefined;
  readonly needed: readonly string[];
}

/**
 * Libraries of graphics drivers and of the vendors' toolkits, by the beginning of their sonames (CUDA and TensorRT of
 * NVIDIA, ROCm of AMD, Level Zero and SYCL of Intel; Vulkan and OpenCL of Khronos).
 */
const DRIVERS =
  /^lib(?:cuda|cudart|cublas|cublasLt|cudnn\w*|cufft\w*|curand|cusolver\w*|cusparse\w*|nvrtc\S*|nvinfer\w*|nvonnxparser|nvToolsExt|nvJitLink|nccl|nvidia-\S+|amdhip64|hip\w+|roc\w+|MIOpen|migraphx\w*|hsa-runtime64|vulkan|OpenCL|ze_loader|sycl)\.so(?:\.|$)/;

/**
 * The files that only graphics cards need:
 * - libraries that need a driver which no other file of the tree is, directly or by another library of the tree;
 * - an addon that needs one, and everything beside it, when an addon of the same name without such a need stays in the
 *   same package or npm scope;
 * - an addon beside such a library, and everything beside it, when another package of the scope has the same addon
 *   without one: `@node-llama-cpp/linux-x64-cuda` beside `@node-llama-cpp/linux-x64`.
 * What a remaining file needs stays, and so does a package or scope that has nothing else, and what lies beside an addon
 * that needs a driver and has no other variant.
 * @param files the tree's native files for the target that nothing else leaves out
 * @param kept paths that have to stay, with everything beside them
 */
export function findAccelerated(
  files: readonly LibraryFile[],
  kept: ReadonlySet<string> = new Set(),
): ReadonlySet<string> {
  const find = finder(files);
  const bound = boundToDrivers(files, find);
  if (bound.size === 0) return bound;
  const variants = variantDirectories(files, bound);
  const alone = [...bound].filter((path) => isAddonName(path) && !variants.has(posix.dirname(path)));
  const fixed = new Set([...kept, ...alone].map(posix.dirname));
  const left = files.filter(({ path }) => {
    const directory = posix.dirname(path);
    if (fixed.has(directory)) return false;
    return variants.has(directory) || (bound.has(path) && !isAddonName(path));
  });
  return withoutNeeded(files, new Set(left.map(({ path }) => path)), find);
}

/** Finds the files that a loader may take for a name: the one beside the file that needs it, else all of that name. */
type Find = (name: string, neededBy: LibraryFile) => readonly LibraryFile[];

function finder(files: readonly LibraryFile[]): Find {
  const byName = new Map<string, LibraryFile[]>();
  for (const file of files) {
    for (const name of namesOf(file)) byName.set(name, [...(byName.get(name) ?? []), file]);
  }
  return (name, { path }) => {
    const all = byName.get(name) ?? [];
    const beside = all.filter((file) => posix.dirname(file.path) === posix.dirname(path));
    return beside.length > 0 ? beside : all;
  };
}

/** The files that need a driver, themselves or by a file of the tree. */
function boundToDrivers(files: readonly LibraryFile[], find: Find): Set<string> {
  const bound = new Set<string>();
  for (let size = -1; size !== bound.size;) {
    size = bound.size;
    for (const file of files) {
      const binds = file.needed.some((name) => {
        const found = find(name, file);
        return found.length === 0 ? DRIVERS.test(name) : found.every(({ path }) => bound.has(path));
      });
      if (binds) bound.add(file.path);
    }
  }
  return bound;
}

/** Directories of addons that are variants for graphics cards of an addon that stays. */
function variantDirectories(files: readonly LibraryFile[], bound: ReadonlySet<string>): ReadonlySet<string> {
  const touched = new Set([...bound].map(posix.dirname));
  const addons = files.filter(({ path }) => isAddonName(path));
  const plain = addons.filter(({ path }) => !touched.has(posix.dirname(path)));
  const variants = addons.filter(
    ({ path }) =>
      touched.has(posix.dirname(path)) &&
      plain.some(
        (other) =>
          posix.basename(path) === posix.basename(other.path) &&
          familyOf(path) === familyOf(other.path) &&
          (bound.has(path) || packageOf(path) !== packageOf(other.path)),
      ),
  );
  return new Set(variants.map(({ path }) => posix.dirname(path)));
}

/** Takes out of `left` what a file that stays needs, and families of which nothing would stay. */
function withoutNeeded(files: readonly LibraryFile[], left: Set<string>, find: Find): ReadonlySet<string> {
  const families = new Set(files.flatMap(({ path }) => (left.has(path) ? [] : [familyOf(path)])));
  for (const path of left) if (!families.has(familyOf(path))) left.delete(path);
  for (let size = -1; size !== left.size;) {
    size = left.size;
    for (const file of files) {
      if (left.has(file.path)) continue;
      for (const name of file.needed) {
        const found = find(name, file);
        if (found.every(({ path }) => left.has(path))) for (const { path } of found) left.delete(path);
      }
    }
  }
  return left;
}

function namesOf({ path, soname }: LibraryFile): string[] {
  const name = posix.basename(path);
  return soname === undefined || soname === name ? [name] : [name, soname];
}

function isAddonName(path: string): boolean {
  return path.endsWith(".node");
}

/** The npm scope of a scoped package, else the package. */
function familyOf(path: string): string {
  return /^(?:.*node_modules\/)?[^/]+\//.exec(path)?.[0] ?? "";
}

function packageOf(path: string): string {
  return /^(?:.*node_modules\/)?(?:@[^/]+\/)?[^/]+\//.exec(path)?.[0] ?? "";
}
