/**
 * The table of environment variables: each that gantry reads or sets, and the side that reads it. Their meanings are in
 * ./variable-texts.ts, which only help and documentation read, so that no start loads them.
 */

/**
 * `stub`: the shell scripts of a release. `launcher`: the program that they start. `app`: code that is compiled into the
 * app or loaded before it. `build`: the `gantry` command.
 */
export type Side = "stub" | "launcher" | "app" | "build";

export interface Variable {
  /** `setting`: for people to set. `internal`: gantry sets it for processes of its own. `foreign`: not gantry's. */
  readonly kind: "setting" | "internal" | "foreign";
  readonly readBy: readonly Side[];
  /** The part of its value that is never printed. */
  readonly secret?: "all" | "login";
  /** Its value is a path; a relative one starts from the caller's directory. */
  readonly path?: true;
}

/** A name may end with `*`, as in a shell's pattern. */
export const VARIABLES = {
  GANTRY_OFFLINE: { kind: "setting", readBy: ["launcher"] },
  GANTRY_BUNDLE: { kind: "setting", readBy: ["launcher"], secret: "login" },
  GANTRY_TOKEN: { kind: "setting", readBy: ["launcher", "build"], secret: "all" },
  GANTRY_REGISTRY: { kind: "setting", readBy: ["launcher"], secret: "login" },
  GANTRY_PACKAGE_MANAGER: { kind: "setting", readBy: ["launcher"] },
  GANTRY_STORE: { kind: "setting", readBy: ["stub", "launcher"] },
  GANTRY_SKIP: { kind: "setting", readBy: ["stub", "launcher", "build"] },
  GANTRY_LOG_LEVEL: { kind: "setting", readBy: ["launcher"] },
  GANTRY_KEY_PASSWORD: { kind: "setting", readBy: ["build"], secret: "all" },

  GANTRY_LAUNCHER: { kind: "internal", readBy: ["app"] },
  GANTRY_DIRECTORY: { kind: "internal", readBy: ["launcher"] },
  GANTRY_LIBRARY_PATH: { kind: "internal", readBy: ["launcher"] },
  GANTRY_UNPROVEN: { kind: "internal", readBy: ["launcher"] },
  GANTRY_PROBE: { kind: "internal", readBy: ["app"] },
  GANTRY_MODULES: { kind: "internal", readBy: ["launcher", "app"] },

  PATH: { kind: "foreign", readBy: ["stub", "launcher", "build"] },
  HOME: { kind: "foreign", readBy: ["stub", "launcher", "build"] },
  USER: { kind: "foreign", readBy: ["launcher"] },
  LOGNAME: { kind: "foreign", readBy: ["launcher"] },
  TMPDIR: { kind: "foreign", readBy: ["stub", "launcher", "build"] },
  XDG_CACHE_HOME: { kind: "foreign", readBy: ["stub", "launcher"] },
  SUDO_UID: { kind: "foreign", readBy: ["stub", "launcher"] },
  SUDO_GID: { kind: "foreign", readBy: ["launcher"] },
  SUDO_USER: { kind: "foreign", readBy: ["launcher"] },
  DOAS_USER: { kind: "foreign", readBy: ["stub"] },
  PKEXEC_UID: { kind: "foreign", readBy: ["stub"] },
  PWD: { kind: "foreign", readBy: ["stub"] },

  STATE_DIRECTORY: { kind: "foreign", readBy: ["stub", "launcher"] },
  CACHE_DIRECTORY: { kind: "foreign", readBy: ["stub", "launcher"] },
  NOTIFY_SOCKET: { kind: "foreign", readBy: ["launcher"] },
  JOURNAL_STREAM: { kind: "foreign", readBy: ["stub", "launcher", "build"] },
  INVOCATION_ID: { kind: "foreign", readBy: ["launcher"] },
  PORT: { kind: "foreign", readBy: ["launcher"] },

  https_proxy: { kind: "foreign", readBy: ["launcher", "build"], secret: "login" },
  HTTPS_PROXY: { kind: "foreign", readBy: ["launcher", "build"], secret: "login" },
  http_proxy: { kind: "foreign", readBy: ["launcher", "build"], secret: "login" },
  HTTP_PROXY: { kind: "foreign", readBy: ["launcher", "build"], secret: "login" },
  no_proxy: { kind: "foreign", readBy: ["launcher", "build"] },
  NO_PROXY: { kind: "foreign", readBy: ["launcher", "build"] },
  NODE_EXTRA_CA_CERTS: { kind: "foreign", readBy: ["launcher", "build"], path: true },
  SSL_CERT_FILE: { kind: "foreign", readBy: ["launcher", "build"], path: true },
  SSL_CERT_DIR: { kind: "foreign", readBy: ["launcher"], path: true },
  NETRC: { kind: "foreign", readBy: ["launcher", "build"], path: true },
  DOCKER_CONFIG: { kind: "foreign", readBy: ["launcher", "build"], path: true },
  npm_config_registry: { kind: "foreign", readBy: ["launcher", "build"], secret: "login" },
  NPM_CONFIG_REGISTRY: { kind: "foreign", readBy: ["launcher", "build"], secret: "login" },
  npm_config_userconfig: { kind: "foreign", readBy: ["launcher", "build"], path: true },
  NPM_CONFIG_USERCONFIG: { kind: "foreign", readBy: ["launcher", "build"], path: true },
  NPM_TOKEN: { kind: "foreign", readBy: ["launcher", "build"], secret: "all" },

  TERM: { kind: "foreign", readBy: ["launcher", "build"] },
  COLORTERM: { kind: "foreign", readBy: ["launcher"] },
  NO_COLOR: { kind: "foreign", readBy: ["launcher", "build"] },
  FORCE_COLOR: { kind: "foreign", readBy: ["launcher"] },
  LANG: { kind: "foreign", readBy: ["launcher"] },
  LANGUAGE: { kind: "foreign", readBy: ["launcher"] },
  "LC_*": { kind: "foreign", readBy: ["launcher"] },

  NODE_PATH: { kind: "foreign", readBy: ["stub", "app"] },
  BUN_BE_BUN: { kind: "foreign", readBy: ["app"] },
  BUN_OPTIONS: { kind: "foreign", readBy: ["app"] },
  LD_LIBRARY_PATH: { kind: "foreign", readBy: ["stub", "build"] },
  LD_PRELOAD: { kind: "foreign", readBy: ["build"] },
  LIBC: { kind: "foreign", readBy: ["app"] },
  SOURCE_DATE_EPOCH: { kind: "foreign", readBy: ["build"] },
} as const satisfies Record<string, Variable>;

export type VariableName = keyof typeof VARIABLES;

/** The names of the rows that pass a test, in the table's order. */
export function variablesWhere(test: (variable: Variable, name: VariableName) => boolean): VariableName[] {
  return (Object.keys(VARIABLES) as VariableName[]).filter((name) => test(VARIABLES[name], name));
}
