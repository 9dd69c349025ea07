/** The door of the runtime room, which runs Bun's tools and load probes: everything that other rooms may use. */
/** `installFrozen` installs the modules of a lockfile, on the build side and on the host. */
export {
  INSTALL_LIMITS,
  installFrozen,
  type InstallLimits,
  type InstallOptions,
  isNetworkComplaint,
  runInstaller,
} from "./install-packages.ts";
/** Environment and arguments with which a Bun program is run as a tool. */
export { BE_BUN, keptEnvironment, scriptArguments, toolEnvironment } from "./invoke.ts";
/** `probeTogether` and `probeExternal` load modules in a child process, and report what does not load. */
export { type ProbedExternal, probeExternal, probeTogether } from "./probe.ts";
