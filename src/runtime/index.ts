/** The door of the runtime room, which runs Bun's tools and load probes: everything that other rooms may use. */
/** `installFrozen` installs the modules of a lockfile, on the build side and on the host. */
export {
  INSTALL_LIMITS,
  installFrozen,
  type InstallLimits,
  type InstallOptions,
  runInstaller,
} from "./install-packages.ts";
/** Whether a line of a package manager about one package means a failure of the network. */
export { isNetworkComplaint } from "./install-failure.ts";
/** Environment and arguments with which a Bun program is run as a tool. */
export { BE_BUN, keptEnvironment, scriptArguments, toolEnvironment } from "./invoke.ts";
/** `probeTogether` and `probeExternal` load modules in a child process, and report what does not load. */
export { type ProbedExternal, probeExternal, probeTogether } from "./run-probe.ts";
