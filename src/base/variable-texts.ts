/**
 * What each variable of ./variables.ts means, as help and documentation say it. It is a file of its own, so that the
 * launcher does not load it at a start.
 */
import { wrapText } from "./text.ts";
import { VARIABLES, variablesWhere, type Side, type Variable, type VariableName } from "./variables.ts";

interface VariableText {
  /** Markdown in one line. */
  readonly means: string;
  /** The default. An empty value counts as not set. */
  readonly otherwise?: string;
}

const PATHS = "a file; a relative path is meant from the caller's directory";

const VARIABLE_TEXTS: Readonly<Record<VariableName, VariableText>> = {
  GANTRY_OFFLINE: { means: "`1`: never touch the network", otherwise: "`0`" },
  GANTRY_BUNDLE: {
    means: "where the bundle is: a file, a directory, `https://…` or `oci://…`",
    otherwise: "the release's own bundle, if it has one",
  },
  GANTRY_TOKEN: { means: "bearer token for a mirror; no other host gets it" },
  GANTRY_REGISTRY: {
    means: "address of the package registry to install from",
    otherwise: "the registry that `.npmrc` names",
  },
  GANTRY_PACKAGE_MANAGER: {
    means: "`bun` (the one inside the binary) or `npm` (the host's own)",
    otherwise: "`bun`",
  },
  GANTRY_STORE: {
    means: "absolute path of a directory for the modules when they cannot lie beside the release",
    otherwise: "the first usable of `STATE_DIRECTORY`, `CACHE_DIRECTORY`, `XDG_CACHE_HOME` and `~/.cache`",
  },
  GANTRY_SKIP: {
    means: "comma-separated codes of findings that are warnings here; each says that it was skipped",
    otherwise: "none",
  },
  GANTRY_LOG_LEVEL: { means: "`silent`, `error`, `warn`, `info` or `debug`", otherwise: "`info`" },
  GANTRY_KEY_PASSWORD: {
    means: "password of the secret key, for `keygen` and `sign`",
    otherwise: "the key has none",
  },

  GANTRY_LAUNCHER: { means: "makes the binary run the launcher, not the app" },
  GANTRY_DIRECTORY: { means: "the caller's current directory" },
  GANTRY_LIBRARY_PATH: {
    means: "the caller's `LD_LIBRARY_PATH`, for the test that loads the modules; root's is not passed on",
  },
  GANTRY_UNPROVEN: {
    means: "`yes`: the host has no tool to compare `lib/` with its sums, so the launcher does it",
  },
  GANTRY_PROBE: { means: "makes the app load its modules and report, as JSON; it does not start" },
  GANTRY_MODULES: { means: "absolute path of the `node_modules` that the app's modules are loaded from" },

  PATH: { means: "where programs are found" },
  HOME: { means: "holds `.cache`, `.npmrc`, `.netrc` and `.docker/config.json`" },
  USER: { means: "who installs or upgrades, for `./gantry history`" },
  LOGNAME: { means: "for the programs that the launcher runs" },
  TMPDIR: { means: "directory for temporary files: no store may lie in it", otherwise: "`/tmp`" },
  XDG_CACHE_HOME: { means: "a store for the modules, see `GANTRY_STORE`", otherwise: "`~/.cache`" },
  SUDO_UID: { means: "who called sudo (sudo(8))" },
  SUDO_GID: { means: "who called sudo (sudo(8))" },
  SUDO_USER: { means: "who called sudo, for `./gantry history`" },
  DOAS_USER: { means: "who called doas (doas(1))" },
  PKEXEC_UID: { means: "who called pkexec (pkexec(1))" },
  PWD: { means: "the caller's current directory" },

  STATE_DIRECTORY: { means: "a store for the modules, see `GANTRY_STORE` (systemd.exec(5))" },
  CACHE_DIRECTORY: { means: "a store for the modules, see `GANTRY_STORE` (systemd.exec(5))" },
  NOTIFY_SOCKET: { means: "where the launcher tells systemd what it does (sd_notify(3))" },
  JOURNAL_STREAM: { means: "tells that standard error is the journal (systemd.exec(5))" },
  INVOCATION_ID: { means: "for the programs that the launcher runs (systemd.exec(5))" },
  PORT: { means: "port that `./gantry health` asks", otherwise: "the service's own" },

  https_proxy: { means: "proxy for https addresses: `http://HOST:PORT`", otherwise: "`HTTPS_PROXY`" },
  HTTPS_PROXY: { means: "the same, where `https_proxy` is not set", otherwise: "no proxy" },
  http_proxy: { means: "proxy for http addresses", otherwise: "`HTTP_PROXY`" },
  HTTP_PROXY: { means: "the same, where `http_proxy` is not set", otherwise: "no proxy" },
  no_proxy: {
    means: "comma-separated hosts that are reached without a proxy, or `*`",
    otherwise: "`NO_PROXY`",
  },
  NO_PROXY: { means: "the same, where `no_proxy` is not set", otherwise: "none" },
  NODE_EXTRA_CA_CERTS: { means: `certificates that are trusted besides the runtime's own: ${PATHS}` },
  SSL_CERT_FILE: { means: `certificates that are trusted instead of the runtime's own: ${PATHS}` },
  SSL_CERT_DIR: { means: "the same as a directory, for the programs that the launcher runs" },
  NETRC: { means: `users and passwords of hosts (curl's netrc): ${PATHS}`, otherwise: "`~/.netrc`" },
  DOCKER_CONFIG: { means: "directory of Docker's `config.json`", otherwise: "`~/.docker`" },
  npm_config_registry: {
    means: "package registry, as npm reads it",
    otherwise: "the one that `.npmrc` names",
  },
  NPM_CONFIG_REGISTRY: { means: "the same in capitals" },
  npm_config_userconfig: { means: `npm's settings: ${PATHS}`, otherwise: "`~/.npmrc`" },
  NPM_CONFIG_USERCONFIG: { means: "the same in capitals" },
  NPM_TOKEN: { means: "token that `.npmrc` may refer to" },

  TERM: { means: "`dumb`: no colours" },
  COLORTERM: { means: "for the programs that the launcher runs" },
  NO_COLOR: { means: "no colours in `--help`" },
  FORCE_COLOR: { means: "for the programs that the launcher runs" },
  LANG: { means: "language, for the programs that the launcher runs" },
  LANGUAGE: { means: "language, for the programs that the launcher runs" },
  "LC_*": { means: "language, for the programs that the launcher runs" },

  NODE_PATH: {
    means: "the release's modules are put before what it holds, so that child processes find them",
  },
  BUN_BE_BUN: { means: "removed: it would make the binary Bun's command line" },
  BUN_OPTIONS: { means: "removed: it would change how the binary runs" },
  LD_LIBRARY_PATH: { means: "where the app's modules look for libraries (ld.so(8))" },
  LD_PRELOAD: { means: "libraries that `gantry check` takes as loaded (ld.so(8))" },
  LIBC: { means: "set to `musl` in musl releases: node-gyp-build then takes the musl prebuild" },
  SOURCE_DATE_EPOCH: {
    means: "time of all files in the archive, in seconds since 1970 (reproducible-builds.org)",
    otherwise: "1980-01-01",
  },
};

/** The variables that a person may set for one side, as lines below a command's help. */
export function formatSettings(side: Side, columns: number): string {
  const names = variablesWhere(({ kind, readBy }) => kind === "setting" && readBy.includes(side));
  const width = Math.max(...names.map((name) => name.length)) + 4;
  return names
    .flatMap((name) => {
      const { means, otherwise } = VARIABLE_TEXTS[name];
      const text = otherwise === undefined ? means : `${means} (${otherwise} when not set)`;
      return wrapText(text.replaceAll("`", ""), columns - width).map((line, index) =>
        `${(index === 0 ? `  ${name}` : "").padEnd(width)}${line}`.trimEnd(),
      );
    })
    .join("\n");
}

const TITLES: Readonly<Record<Variable["kind"], string>> = {
  setting: "Settings of gantry",
  internal: "Set by gantry for processes of its own",
  foreign: "Of others, read by gantry",
};
const SECRETS = { all: "yes", login: "user and password in it" } as const;

/** The whole table as Markdown, one section for each kind. */
export function formatVariableTables(): string {
  const sections = (Object.keys(TITLES) as Variable["kind"][]).map((kind) => {
    const rows = variablesWhere((variable) => variable.kind === kind).map(formatRow);
    return [
      `### ${TITLES[kind]}`,
      "",
      "| variable | means | default | read by | secret |",
      "| --- | --- | --- | --- | --- |",
      ...rows,
    ].join("\n");
  });
  return sections.join("\n\n");
}

function formatRow(name: VariableName): string {
  const { readBy, secret }: Variable = VARIABLES[name];
  const { means, otherwise = "" } = VARIABLE_TEXTS[name];
  const hidden = secret === undefined ? "no" : SECRETS[secret];
  return `| \`${name}\` | ${means} | ${otherwise} | ${readBy.join(", ")} | ${hidden} |`;
}
