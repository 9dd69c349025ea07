/** Describes each setting for people. docs/settings.md is generated from these texts and from the schemas. */
import type { BuildSettings, Settings, SmokeSettings } from "./app-settings.ts";

type Meanings<Key extends string> = Readonly<Record<Key, string>>;

export const SETTING_MEANINGS: Meanings<keyof Settings> = {
  binary: "Name of the binary and of the script that people run; the package's name when left out.",
  entry:
    "The file that is compiled. For Node apps the JavaScript that the build makes, or the source that is compiled without one. When left out: what `bun build --compile` or the `start` script names, `bin`, `main` or `module`.",
  runtime:
    "What runs the app. When left out: what its scripts, its lockfile, `packageManager`, `engines`, .nvmrc, .node-version or `volta` say; else Bun.",
  node: 'Node apps: the Node version in full, `"system"` or `"system@24"` for the host\'s own, or an object with one of them for each C library. When left out: what `volta`, .node-version, .nvmrc or `engines.node` say; else the one that builds.',
  app: "Node apps: the directory of the compiled JavaScript; that of `entry` when left out.",
  externals: "The packages that stay outside the binary, instead of the detected ones.",
  optional: "Those of them that the app can start without.",
  include: "Extra files and directories for the release.",
  build: "What Bun's compiler is told.",
  install:
    "`first-run`: from a bundle if there is one, else from the registry. `image`: made ready while an image is built, never fetched by a start. `vendor`: from a bundle alone. When left out: `vendor` for Node apps, `first-run` for the others. Instead of `first-run` it is `vendor` when an install script made files of a required module.",
  keep: "Files that pruning would drop and some module reads at run time: paths or patterns below node_modules.",
  publicKey:
    "The minisign key that bundles and upgrades must be signed by, or its file; a list when any of several may sign.",
  activate:
    "Arguments of a command that is run once for each installed version, for migrations. One text is split at spaces.",
  requires:
    "Programs of the host that the app calls, such as `git` or `chromium`: `doctor` and `install` ask for them, images bring them.",
  service: "The systemd service, and what an image is told of it.",
  smoke: "How a build starts the finished release.",
};

export const BUILD_MEANINGS: Meanings<keyof BuildSettings> = {
  defines:
    'Names that are replaced by an expression, such as `{"API": "\'https://example.org\'"}`. `process.env.NODE_ENV` is `"production"` unless it is named here; defined as itself, it is looked up at run time. Not for Node apps.',
  plugins: "Modules that export a Bun plugin. Not for Node apps.",
  workers: "Extra entry points. Not for Node apps.",
  sourcemap: "Where the source map goes.",
  script:
    "Node apps: the script of package.json that makes the JavaScript, `build` when left out; `false` when the app is JavaScript already.",
};

export const SERVICE_MEANINGS: Meanings<keyof Settings["service"]> = {
  user: "System user and group; made from the name of the binary when left out. A user that the host has already is taken only when it is named here.",
  description: "The unit's description; that of package.json, or the app's name, when left out.",
  type: "`notify`: the app itself says when it is ready (sd_notify(3)).",
  arguments: "What the app is started with.",
  port: "TCP port that the app listens on; it is told by `PORT`.",
  health: "Path that answers with 2xx when all is well; needs `port`.",
  healthWindow: "Seconds until it has to be healthy.",
  healthSettle: "Seconds that it then has to stay so without a restart.",
  activateTimeout: "Seconds that `activate` may take.",
  directories: "Absolute paths of directories that it may write, beside its own.",
  memory: "The most memory it may use: a size such as `512M`, a share of the host's, or `infinity`.",
  tasks: "The most processes and threads.",
  cpu: 'The most processor time, as a share of one processor: `"50%"`, or `"200%"` for two; no limit when left out.',
  openFiles: "The most open files and sockets; what systemd allows when left out.",
  environment:
    "Variables of the service, by name. They are no secrets: everybody can read a unit. /etc/BINARY/env on the host wins over them.",
  snapshot: "An upgrade keeps a copy of the data until the new version is well.",
  exposure: "Who reaches it: everybody, this host alone, or nobody over a network.",
};

export const SMOKE_MEANINGS: Meanings<keyof SmokeSettings> = {
  arguments: "What it is started with; `service.arguments` when left out.",
  env: "Variables for it, beside `PATH`, `HOME`, `TMPDIR` and `STATE_DIRECTORY`.",
  exit: "Exit statuses with which it may end by itself. When left out: every one, unless its output says that a module or a file of the release was not found.",
  listens:
    "`true`: it has to listen. `false`: it runs until it ends or the time is up. When left out, it is ended once it listens.",
  timeout: "Seconds until it has to listen or to end; after them, one that still runs is told to end.",
};
