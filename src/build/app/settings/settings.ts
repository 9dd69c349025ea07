/**
 * Every key of the app's `"gantry"` in package.json, with its type, its default and what it means. A kind of setting
 * has a file here; a new key is a line in `Settings` and one in `SETTING_MEANINGS`.
 */
import * as v from "valibot";
import { ProgramName } from "../../../release/index.ts";
import { Binary } from "./binary.ts";
import { Build } from "./build.ts";
import { Activate } from "./commands.ts";
import { Include, ModuleFiles } from "./files.ts";
import { Externals, Optional } from "./packages.ts";
import { Node, NodeByLibc } from "./runtime.ts";
import { Service } from "./service.ts";
import { Smoke } from "./smoke.ts";
import { AppPath, Text, type Meanings } from "./values.ts";

/** Every key with its type and its default. */
export const Settings = v.strictObject({
  binary: v.optional(Binary),
  entry: v.optional(AppPath),
  runtime: v.optional(v.picklist(["bun", "node"])),
  /** `node` and `app` are for Node apps only: the version of Node, and the directory that becomes lib/app. */
  node: v.optional(Node),
  app: v.optional(AppPath),
  externals: v.optional(Externals),
  optional: v.optional(Optional, []),
  include: v.optional(Include, []),
  build: v.optional(Build, {}),
  /** Default: `vendor` for Node apps, whose releases contain no package manager, and `first-run` for others. */
  install: v.optional(v.picklist(["first-run", "image", "vendor"])),
  keep: v.optional(ModuleFiles, []),
  exclude: v.optional(ModuleFiles, []),
  publicKey: v.optional(v.union([Text, v.pipe(v.array(Text), v.minLength(1))])),
  activate: v.optional(Activate),
  requires: v.optional(v.array(ProgramName), []),
  service: v.optional(Service, {}),
  smoke: v.optional(Smoke, {}),
});

/** The settings with every default. */
export type Settings = Readonly<v.InferOutput<typeof Settings>> & { readonly runtime: "bun" | "node" };

export const SETTING_MEANINGS: Meanings<keyof Settings> = {
  binary: "Name of the binary and of the script that people run; the package's name when left out.",
  entry:
    "The file that is compiled. For Node apps the JavaScript that the build makes, or the source that is compiled without one. When left out: what `bun build --compile` or the `start` script names, `bin`, `main` or `module`.",
  runtime:
    "What runs the app. When left out: what its scripts, its lockfile, `packageManager`, `engines`, .nvmrc, .node-version or `volta` say; else Bun.",
  node: 'Node apps: the Node version in full, `"system"` or `"system@24"` for the host\'s own, or an object with one of them for each C library. When left out: what `volta`, .node-version, .nvmrc or `engines.node` say; else the one that builds.',
  app: "Node apps: the directory of the compiled JavaScript; that of `entry` when left out.",
  externals:
    "The packages that stay outside the binary, instead of the detected ones. Or changes of these: `+NAME` adds one, `-NAME` compiles one in.",
  optional: "Those of them that the app can start without.",
  include: "Extra files and directories for the release.",
  build: "What Bun's compiler is told.",
  install:
    "`first-run`: from a bundle if there is one, else from the registry. `image`: made ready while an image is built, never fetched by a start. `vendor`: from a bundle alone. When left out: `vendor` for Node apps, `first-run` for the others. Instead of `first-run` it is `vendor` when an install script made files of a required module.",
  keep: "Files that pruning would drop and some module needs at run time: paths or patterns below node_modules, such as `@node-llama-cpp/linux-x64-cuda` for hosts with a graphics card.",
  exclude:
    "Files of the modules that the release does not need: paths or patterns below node_modules, such as `some-package/models/**`. It wins over `keep`. The modules still have to load.",
  publicKey:
    "The minisign key that bundles and upgrades must be signed by, or its file; a list when any of several may sign.",
  activate:
    "Arguments of a command that is run once for each installed version, for migrations. One text is split at spaces.",
  requires:
    "Programs of the host that the app calls, such as `git` or `chromium`: `doctor` and `install` ask for them, images bring them.",
  service: "The systemd service, and what an image is told of it.",
  smoke: "How a build starts the finished release.",
};

/** The keys that each object among the settings may hold. */
export const KNOWN_KEYS: Readonly<Record<string, readonly string[]>> = {
  gantry: Object.keys(Settings.entries),
  "gantry.build": Object.keys(Build.entries),
  "gantry.service": Object.keys(Service.entries),
  "gantry.smoke": Object.keys(Smoke.entries),
  "gantry.node": Object.keys(NodeByLibc.entries),
};
