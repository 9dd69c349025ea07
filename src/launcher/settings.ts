/**
 * Reads the launcher's settings from the environment. GANTRY_STORE and GANTRY_TOKEN are read where they are used. A
 * value that is not understood is an error, because a guess could be wrong: a mistyped GANTRY_OFFLINE must not lead to
 * the use of the network.
 */
import { closest, distance } from "fastest-levenshtein";
import { hideLogin } from "../base/redact.ts";
import { parseSkip } from "../compat/index.ts";
import { GantryError, type ErrorCode, type Finding } from "../base/errors.ts";
import type { LogLevel } from "../base/log.ts";
import type { PackageManager } from "../modules/index.ts";
import type { Environment } from "../base/environment.ts";
import { variablesWhere, type VariableName } from "../base/variables.ts";

export interface Settings {
  /** True: the network is never used, also when modules are missing. */
  readonly offline: boolean;
  /** Where a bundle is looked for first: a file, a directory or an address. */
  readonly bundle: string | undefined;
  /** The address of a registry that is used instead of every configured one. */
  readonly registry: string | undefined;
  readonly packageManager: PackageManager;
  readonly logLevel: LogLevel;
  /** Codes of findings that are only warnings on this host. */
  readonly skip: ReadonlySet<ErrorCode>;
  /** A warning for each variable that is not known, and whose name is nearly that of a setting. */
  readonly warnings: readonly string[];
}

const LOG_LEVELS: readonly LogLevel[] = ["silent", "error", "warn", "info", "debug"];
const PACKAGE_MANAGERS: readonly PackageManager[] = ["bun", "npm"];

/**
 * SETTINGS: the launcher's settings, which people may set. OWN: all variables of gantry, also those that it sets
 * itself.
 */
const SETTINGS = variablesWhere(({ kind, readBy }) => kind === "setting" && readBy.includes("launcher"));
const OWN = new Set<string>(variablesWhere(({ kind }) => kind !== "foreign"));

/**
 * Reads the settings from the environment.
 * @throws GantryError CONFIG_INVALID with every wrong value at once
 */
export function parseSettings(environment: Environment): Settings {
  const findings: Finding[] = [];
  const choose = <T extends string>(name: VariableName, choices: readonly T[], otherwise: T): T => {
    const value = environment[name] ?? "";
    const found = choices.find((choice) => choice === value);
    if (found !== undefined || value === "") return found ?? otherwise;
    const near = closest(value, [...choices]);
    const meant = value.length > 2 && distance(value, near) <= 2;
    const fix = meant ? `set it to ${near}` : `set it to one of ${choices.join(", ")}, or unset it`;
    findings.push({ code: "CONFIG_INVALID", what: `${name} is "${value}"`, fix });
    return otherwise;
  };
  const offline = choose("GANTRY_OFFLINE", ["0", "1"], "0") === "1";
  const packageManager = choose("GANTRY_PACKAGE_MANAGER", PACKAGE_MANAGERS, "bun");
  const logLevel = choose("GANTRY_LOG_LEVEL", LOG_LEVELS, "info");
  const registry = environment["GANTRY_REGISTRY"] ?? "";
  if (registry !== "" && !isWebAddress(registry)) {
    findings.push({
      code: "CONFIG_INVALID",
      what: `GANTRY_REGISTRY is "${hideLogin(registry)}", which is no http or https address`,
      fix: "set it to the registry's whole address, such as https://registry.example/npm/, or unset it",
    });
  }
  const [first, ...rest] = findings;
  if (first !== undefined) throw new GantryError(first, ...rest);
  return Object.freeze({
    offline,
    bundle: environment["GANTRY_BUNDLE"] === "" ? undefined : environment["GANTRY_BUNDLE"],
    registry: registry === "" ? undefined : registry,
    packageManager,
    logLevel,
    skip: parseSkip(environment["GANTRY_SKIP"]),
    warnings: ignoredVariables(environment),
  });
}

function isWebAddress(text: string): boolean {
  return URL.canParse(text) && ["http:", "https:"].includes(new URL(text).protocol);
}

/**
 * Warns of unknown GANTRY_ variables whose names differ from a setting's by one or two characters. Other unknown ones
 * are not warned of, because an app may have GANTRY_ variables of its own.
 */
function ignoredVariables(environment: Environment): string[] {
  return Object.keys(environment).flatMap((name) => {
    if (!name.startsWith("GANTRY_") || (environment[name] ?? "") === "") return [];
    if (OWN.has(name)) return [];
    const near = closest(name, SETTINGS);
    return distance(name, near) <= 2 ? [`${name} is not known; ${near} is`] : [];
  });
}
