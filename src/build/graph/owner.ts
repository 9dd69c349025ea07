/** The package in node_modules that a file belongs to, by its path. */

/** The package's directory. Undefined for source code of the app and of its workspace. */
export function packageDirectory(path: string): string | undefined {
  return /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0];
}
