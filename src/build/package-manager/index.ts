/**
 * The door of build/package-manager: installs an app's packages with npm, pnpm or yarn, whichever wrote its lockfile, and
 * applies what patch-package would apply.
 */
/** Finds the package manager, or fetches it. */
export { findPackageManager } from "./find-package-manager.ts";
/** Runs its frozen installation. */
export { type InstallProblem, installByOwner } from "./frozen-install.ts";
/** Applies the patches of an app whose install script calls patch-package. */
export { applyPatches, callsPatchPackage } from "./patch-package.ts";
