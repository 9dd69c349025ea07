/**
 * What the launcher keeps of its caller's environment: the variables on this list and nothing else. The stub drops all
 * others before the launcher starts (templates/run-launcher.sh), and so does the prelude where there is no shell.
 * Nothing that a runtime, a loader or a shell obeys is on it; README.md shows it to users.
 */

/** Shell patterns, each a name or a beginning with `*`. */
export const KEPT_VARIABLES = [
  // Settings of gantry itself; the names below INTERNAL_VARIABLES are set anew by whoever starts the launcher.
  "GANTRY_*",
  // Where programs, files and the user's own settings are.
  "PATH",
  "HOME",
  "USER",
  "LOGNAME",
  "TMPDIR",
  "XDG_CACHE_HOME",
  "SUDO_UID",
  "SUDO_GID",
  "SUDO_USER",
  // systemd.exec(5), and the port that `gantry health` asks.
  "STATE_DIRECTORY",
  "CACHE_DIRECTORY",
  "NOTIFY_SOCKET",
  "JOURNAL_STREAM",
  "INVOCATION_ID",
  "PORT",
  // The network: proxies, certificates, credentials, npm's registry and its file.
  "http_proxy",
  "https_proxy",
  "no_proxy",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "NO_PROXY",
  "NODE_EXTRA_CA_CERTS",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "NETRC",
  "DOCKER_CONFIG",
  "npm_config_registry",
  "npm_config_userconfig",
  "NPM_CONFIG_REGISTRY",
  "NPM_CONFIG_USERCONFIG",
  "NPM_TOKEN",
  // Terminal and locale.
  "TERM",
  "COLORTERM",
  "NO_COLOR",
  "FORCE_COLOR",
  "LANG",
  "LANGUAGE",
  "LC_*",
] as const;

/** Those of them that name a file: a relative path is meant from the caller's directory. */
export const KEPT_PATHS = [
  "NODE_EXTRA_CA_CERTS",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "NETRC",
  "DOCKER_CONFIG",
  "npm_config_userconfig",
  "NPM_CONFIG_USERCONFIG",
] as const;

/** Tells the compiled app to be the launcher. */
export const LAUNCHER_VARIABLE = "GANTRY_LAUNCHER";
/** The caller's current directory. */
export const DIRECTORY_VARIABLE = "GANTRY_DIRECTORY";
/** The caller's LD_LIBRARY_PATH, which the load probe sees and the launcher does not; never root's. */
export const LIBRARY_PATH_VARIABLE = "GANTRY_LIBRARY_PATH";

/** How a Bun program runs the launcher: without them it would spend 10 MB and more time on compiling what runs once. */
export const LAUNCHER_RUNTIME = { BUN_JSC_useDFGJIT: "0", BUN_RUNTIME_TRANSPILER_CACHE_PATH: "0" } as const;

/** Is it on the list? */
export function isKept(name: string): boolean {
  return KEPT_VARIABLES.some((pattern) =>
    pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern,
  );
}
