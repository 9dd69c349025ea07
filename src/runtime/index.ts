/** The door of the runtime room: what others may use of it. */
/** Installs a frozen lock with the package manager inside a Bun executable. */
export {
  INSTALL_LIMITS,
  installFrozen,
  type InstallLimits,
  type InstallOptions,
  isNetworkComplaint,
  runInstaller,
} from "./install-packages.ts";
/** A compiled Bun program used as a tool. */
export { BE_BUN, keptEnvironment, scriptArguments, toolEnvironment } from "./invoke.ts";
/** The load probe. */
export { type ProbedExternal, probeExternal, probeTogether } from "./probe.ts";
