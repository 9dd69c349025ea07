/**
 * The `"gantry"` key of an app's package.json: its schema, and findings for wrong values. Unknown keys are errors,
 * because a release would be wrong if a mistyped setting were ignored. Nothing here reads the disk; app.ts checks that
 * named files exist.
 */
import { closest, distance } from "fastest-levenshtein";
import * as v from "valibot";
import { GantryError, type Finding } from "../../base/errors.ts";
import {
  ACTIVATE_TIMEOUT,
  ActivateSchema,
  ActivateTimeout,
  CpuQuota,
  DirectoryPath,
  Exposure,
  HealthPath,
  HealthSettle,
  HealthWindow,
  Line,
  Memory,
  NAMES,
  OpenFiles,
  Port,
  ProgramName,
  ServiceEnvironment,
  ServiceType,
  Tasks,
  UserName,
} from "../../release/index.ts";
import type { Defaults } from "../clues/index.ts";
import { runtimeFindings } from "./runtime-settings.ts";

/** Names of files that every release has, at its root or in lib/. A binary of such a name would overwrite that file. */
const TAKEN: ReadonlySet<string> = new Set([
  ...Object.values(NAMES),
  "launcher.mjs",
  "release.json",
  "assets",
]);
const BINARY = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
const PACKAGE = /^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/i;

const Text = v.pipe(v.string(), v.nonEmpty("must not be empty"));
const PackageNames = v.array(
  v.pipe(
    v.string(),
    v.regex(PACKAGE, "is not a package name (a name alone, without a version or a subpath)"),
  ),
);
/**
 * A path relative to the app's directory and inside it, because a file elsewhere does not exist on other build
 * machines.
 */
const AppPath = v.pipe(
  Text,
  v.check((path) => !path.startsWith("/") && !path.split(/[\\/]/).includes(".."), "must lie inside the app"),
);
const KeepPattern = v.pipe(
  Text,
  v.check(
    (path) => !path.startsWith("/") && !path.split("/").includes("..") && !path.startsWith("node_modules/"),
    "must be relative to node_modules, such as some-package/docs/*.md",
  ),
);
const Binary = v.pipe(
  v.string(),
  v.regex(BINARY, "must be a plain file name: letters, digits, dots, dashes and underscores"),
  v.check((name) => !TAKEN.has(name), "is the name of another file of every release"),
);

/** A full version, so that every build uses the same Node; or `system`, for the Node that the host has. */
const NODE = /^(?:\d+\.\d+\.\d+|system(?:@\d+(?:\.\d+\.\d+)?)?)$/;
const NodeVersion = v.pipe(
  v.string(),
  v.regex(NODE, 'must be a version such as "24.21.0", "system" or "system@24"'),
);
/** No npm package contains a Node for musl, so an app that is built for both C libraries names a Node for each. */
const NodeByLibc = v.strictObject({ default: NodeVersion, musl: NodeVersion });

const Build = v.strictObject({
  defines: v.optional(v.record(Text, v.string())),
  plugins: v.optional(v.array(AppPath)),
  workers: v.optional(v.array(AppPath)),
  sourcemap: v.optional(v.picklist(["none", "linked", "external", "inline"])),
  /** For Node apps only. */
  script: v.optional(v.union([Text, v.literal(false)])),
});

const Service = v.strictObject({
  user: v.optional(UserName),
  description: v.optional(Line),
  type: v.optional(ServiceType, "exec"),
  arguments: v.optional(v.array(Line), []),
  port: v.optional(Port),
  health: v.optional(HealthPath),
  directories: v.optional(v.array(DirectoryPath), []),
  memory: v.optional(Memory, "75%"),
  tasks: v.optional(Tasks, 512),
  cpu: v.optional(CpuQuota),
  openFiles: v.optional(OpenFiles),
  environment: v.optional(ServiceEnvironment),
  healthWindow: v.optional(HealthWindow, 30),
  healthSettle: v.optional(HealthSettle, 3),
  activateTimeout: v.optional(ActivateTimeout, ACTIVATE_TIMEOUT),
  snapshot: v.optional(v.boolean(), false),
  exposure: v.optional(Exposure, "public"),
});

/** How the finished release is started at the end of a build. */
const Smoke = v.strictObject({
  arguments: v.optional(v.array(Line)),
  env: v.optional(
    v.record(v.pipe(v.string(), v.regex(/^[A-Za-z_]\w*$/, "is no name of a variable")), v.string()),
    {},
  ),
  exit: v.optional(v.array(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(255)))),
  listens: v.optional(v.boolean()),
  timeout: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(600)), 5),
});

/**
 * Arguments of the app. A single string is split at spaces. One with quotes or backslashes is refused, because these
 * would have no meaning.
 */
const Activate = v.pipe(
  v.union([v.string(), v.array(v.string())]),
  v.check(
    (value) => typeof value !== "string" || !/['"\\]/.test(value),
    "holds quotes or backslashes: write it as a list of arguments",
  ),
  v.transform((value) =>
    typeof value === "string" ? value.split(" ").filter((word) => word !== "") : value,
  ),
  ActivateSchema,
);

/** Every key with its type and its default. */
export const Settings = v.strictObject({
  binary: v.optional(Binary),
  entry: v.optional(AppPath),
  runtime: v.optional(v.picklist(["bun", "node"])),
  /** `node` and `app` are for Node apps only: the version of Node, and the directory that becomes lib/app. */
  node: v.optional(
    v.lazy((value) => (typeof value === "object" && value !== null ? NodeByLibc : NodeVersion)),
  ),
  app: v.optional(AppPath),
  externals: v.optional(PackageNames),
  optional: v.optional(PackageNames, []),
  include: v.optional(v.array(AppPath), []),
  build: v.optional(Build, {}),
  /** Default: `vendor` for Node apps, whose releases contain no package manager, and `first-run` for others. */
  install: v.optional(v.picklist(["first-run", "image", "vendor"])),
  keep: v.optional(v.array(KeepPattern), []),
  publicKey: v.optional(v.union([Text, v.pipe(v.array(Text), v.minLength(1))])),
  activate: v.optional(Activate),
  requires: v.optional(v.array(ProgramName), []),
  service: v.optional(Service, {}),
  smoke: v.optional(Smoke, {}),
});

/** The setting `gantry.build`: options of the compiler. All paths are relative to the app. */
export type BuildSettings = Readonly<v.InferOutput<typeof Build>>;
/** The setting `gantry.smoke`. */
export type SmokeSettings = Readonly<v.InferOutput<typeof Smoke>>;
/** The settings with every default. */
export type Settings = Readonly<v.InferOutput<typeof Settings>> & { readonly runtime: "bun" | "node" };

const KNOWN_KEYS: Readonly<Record<string, readonly string[]>> = {
  gantry: Object.keys(Settings.entries),
  "gantry.build": Object.keys(Build.entries),
  "gantry.service": Object.keys(Service.entries),
  "gantry.smoke": Object.keys(Smoke.entries),
  "gantry.node": Object.keys(NodeByLibc.entries),
};

export type ParsedSettings =
  | { readonly settings: Settings; readonly findings: readonly [] }
  | { readonly settings: undefined; readonly findings: readonly [Finding, ...Finding[]] };

/**
 * Checks the value of the `"gantry"` key.
 * @param value undefined when package.json has no such key
 * @param where the package.json's path, for messages
 * @param told what the app says about `runtime` and `node` elsewhere, for settings without these keys
 * @returns the settings with their defaults, or one CONFIG_INVALID finding for every mistake, with the path of the key,
 *   its value and, where one is similar, the valid name or value
 */
export function parseSettings(
  value: unknown,
  where: string,
  told?: Pick<Defaults, "runtime" | "node">,
): ParsedSettings {
  if (Array.isArray(value)) {
    const what = `"gantry" is ${show(value)}: it must be an object`;
    return {
      settings: undefined,
      findings: [{ code: "CONFIG_INVALID", what, where, fix: 'correct "gantry" in package.json' }],
    };
  }
  const result = v.safeParse(Settings, value === undefined ? {} : value);
  if (!result.success) {
    const [issue, ...issues] = result.issues;
    const rest = issues.map((one) => settingFinding(one, where));
    return { settings: undefined, findings: [settingFinding(issue, where), ...rest] };
  }
  const { runtime = defaultRuntime(result.output, told), ...output } = result.output;
  const [first, ...rest] = [
    ...serviceFindings(output, where),
    ...runtimeFindings({ ...output, runtime }, where),
    ...(runtime === "node" && output.node === undefined ? nodeFindings(told, where) : []),
  ];
  if (first !== undefined) return { settings: undefined, findings: [first, ...rest] };
  const node = output.node ?? (runtime === "node" ? told?.node.value : undefined);
  return {
    settings: Object.freeze({ ...output, runtime, ...(node === undefined ? {} : { node }) }),
    findings: [],
  };
}

/**
 * Checks the value of the `"gantry"` key without the app's files.
 * @throws GantryError CONFIG_INVALID with a finding for every mistake
 */
export function checkSettings(value: unknown, where: string): void {
  const [first, ...rest] = parseSettings(value, where).findings;
  if (first !== undefined) throw new GantryError(first, ...rest);
}

/** `node` and `app` are for Node apps alone, so an app that sets one of them runs on Node. */
function defaultRuntime(
  { node, app }: Pick<v.InferOutput<typeof Settings>, "node" | "app">,
  told: Pick<Defaults, "runtime"> | undefined,
): "bun" | "node" {
  return node === undefined && app === undefined ? (told?.runtime?.value ?? "bun") : "node";
}

/** A finding for an app that asks other tools for a Node that no release can have. */
function nodeFindings(told: Pick<Defaults, "node"> | undefined, where: string): Finding[] {
  if (told?.node.problem === undefined) return [];
  const fix = `set "gantry.node" to a version (this is ${told.node.value}), or to "system@${told.node.value.split(".")[0]}" for the host's own`;
  return [{ code: "CONFIG_INVALID", what: told.node.problem, where, fix }];
}

/** Findings for service settings that are each valid and do not fit together. */
function serviceFindings({ service }: Pick<Settings, "service">, where: string): Finding[] {
  if (service.health === undefined || service.port !== undefined) return [];
  const what = `"gantry.service.health" is "${service.health}", and "gantry.service.port" does not say where to ask`;
  return [{ code: "CONFIG_INVALID", what, where, fix: 'set "gantry.service.port" to the app\'s port' }];
}

type Issue = v.InferIssue<typeof Settings>;

function settingFinding(issue: Issue, where: string): Finding {
  const dotPath = v.getDotPath(issue);
  const path = dotPath === null ? "gantry" : `gantry.${dotPath}`;
  const parent = path.slice(0, Math.max(path.lastIndexOf("."), 0));
  const known = KNOWN_KEYS[parent];
  if (issue.expected === "never" && known !== undefined) {
    const key = path.slice(parent.length + 1);
    const near = nearest(key, known);
    return {
      code: "CONFIG_INVALID",
      what: `"${path}" is no setting${near === undefined ? "" : `; did you mean "${parent}.${near}"?`}`,
      where,
      fix:
        near === undefined
          ? `remove "${path}"; "${parent}" may hold ${known.join(", ")}`
          : `rename "${path}" to "${parent}.${near}"`,
    };
  }
  return {
    code: "CONFIG_INVALID",
    what: `"${path}" is ${show(issue.input)}: ${complaint(issue)}`,
    where,
    ...remedy(issue, path),
  };
}

/**
 * Says what is wrong with a value. The message of a check is used as it is. For a wrong type, a sentence with the
 * expected type replaces valibot's.
 */
function complaint(issue: Issue): string {
  if (issue.kind === "validation") return issue.message;
  if (issue.type === "picklist")
    return `it may be ${issue.expected?.replaceAll(/[()]/g, "") ?? "another value"}`;
  return `it must be ${SHAPES[issue.expected ?? ""] ?? issue.expected ?? "something else"}`;
}

const SHAPES: Readonly<Record<string, string>> = {
  string: "a string",
  number: "a number",
  Array: "a list",
  Object: "an object",
  boolean: "true or false",
  "(string | Array)": "a string or a list of strings",
};

function remedy(issue: Issue, path: string): Pick<Finding, "fix"> {
  if (issue.type !== "picklist") return { fix: `correct "${path}" in package.json` };
  const options = issue.expected?.match(/"([^"]*)"/g)?.map((option) => option.slice(1, -1)) ?? [];
  const near = typeof issue.input === "string" ? nearest(issue.input, options) : undefined;
  return near === undefined
    ? { fix: `set "${path}" to one of ${options.map((option) => `"${option}"`).join(", ")}` }
    : { fix: `set "${path}" to "${near}"` };
}

/** A value as JSON. A text of more than 60 characters is cut. */
export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/** The name that is most similar to a word. Undefined when more than half of the longer of the two differs. */
export function nearest(word: string, names: readonly string[]): string | undefined {
  if (names.length === 0) return undefined;
  const near = closest(word, names);
  return distance(word.toLowerCase(), near.toLowerCase()) <= Math.ceil(Math.max(word.length, near.length) / 2)
    ? near
    : undefined;
}
