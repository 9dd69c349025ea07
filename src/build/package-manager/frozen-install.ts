/** Runs the frozen installation of a package manager, without install scripts, and says what a failure means. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Environment } from "../../base/environment.ts";
import { outputLines, run } from "../../base/process/index.ts";
import { managerEnvironment, type PackageManager } from "./find-package-manager.ts";

export interface InstallProblem {
  readonly kind: "out-of-step" | "unreadable" | "tampered" | "absent" | "full" | "other";
  /** The package manager's own words, at most eight lines, without logins. */
  readonly said: readonly string[];
}

interface InstallByOwnerOptions {
  /** The private copy of the directory that has the lockfile. node_modules is made in it and in its members. */
  readonly directory: string;
  readonly environment: Environment;
  /** `all` installs development dependencies too. */
  readonly groups: "all" | "production";
  /** Replaces every configured registry when given. */
  readonly registry?: string | undefined;
}

/** Arguments by package manager, and those for development dependencies. Yarn 2 to 4 always install them. */
const COMMANDS: Readonly<
  Record<"npm" | "pnpm" | "yarn" | "berry", Readonly<Record<"frozen" | "all" | "production", string>>>
> = {
  npm: {
    frozen: "ci --ignore-scripts --no-audit --no-fund --loglevel=error",
    all: "--include=dev",
    production: "--omit=dev",
  },
  pnpm: {
    frozen: "install --frozen-lockfile --ignore-scripts --reporter=append-only",
    all: "--prod=false",
    production: "--prod",
  },
  yarn: {
    frozen: "install --frozen-lockfile --ignore-scripts --non-interactive",
    all: "--production=false",
    production: "--production=true",
  },
  berry: { frozen: "install --immutable", all: "--mode=skip-build", production: "--mode=skip-build" },
};

/**
 * Installs what the lockfile names. Yarn makes a node_modules directory,
 * whatever `nodeLinker` says, because neither Bun nor the release's own Node reads .pnp.cjs.
 * @returns undefined when it succeeded
 */
export async function installByOwner(
  manager: PackageManager,
  { directory, environment, registry, groups }: InstallByOwnerOptions,
): Promise<InstallProblem | undefined> {
  const berry = manager.name === "yarn" && !manager.version.startsWith("1.");
  if (berry)
    for (const file of [".pnp.cjs", ".pnp.loader.mjs"]) rmSync(join(directory, file), { force: true });
  const command = COMMANDS[berry ? "berry" : manager.name];
  const { code, stdout, stderr } = await run(manager.file, [...command.frozen.split(" "), command[groups]], {
    cwd: directory,
    environment: managerEnvironment(environment, {
      YARN_NODE_LINKER: "node-modules",
      YARN_ENABLE_TELEMETRY: "0",
      ...(registry === undefined
        ? {}
        : { npm_config_registry: registry, YARN_REGISTRY: registry, YARN_NPM_REGISTRY_SERVER: registry }),
    }),
  });
  return code === 0 ? undefined : explain(`${stdout}\n${stderr}`);
}

/** Words of npm 10 and 11, pnpm 7 to 10, yarn 1.22 and 4. The first that matches counts. */
const MEANINGS: readonly (readonly [InstallProblem["kind"], RegExp])[] = [
  ["out-of-step", /\bEUSAGE\b|ERR_PNPM_OUTDATED_LOCKFILE|lockfile needs to be updated|\bYN0028\b/],
  [
    "unreadable",
    /ERR_PNPM_(?:BROKEN_LOCKFILE|LOCKFILE_BREAKING_CHANGE)|\bEJSONPARSE\b|Unknown token|\bYN0003\b/,
  ],
  ["tampered", /\bEINTEGRITY\b|ERR_PNPM_TARBALL_INTEGRITY|Integrity check failed|\bYN0018\b/i],
  ["full", /\bENOSPC\b|no space left/i],
  [
    "absent",
    /\bE404\b|\bETARGET\b|ERR_PNPM_(?:FETCH_404|NO_MATCHING_VERSION)|\b404 Not Found|\bYN0035\b.*404/,
  ],
];

function explain(text: string): InstallProblem {
  const lines = outputLines(text)
    .map((line) => line.replace(/^(?:npm error|➤ YN0000: [│└┌·]?)\s*/, "").trim())
    .filter(
      (line) => line !== "" && !/^(?:Progress|info|\[\d\/\d\]|A complete log|yarn install)\b/.test(line),
    );
  const kind = MEANINGS.find(([, words]) => words.test(text))?.[0] ?? "other";
  return { kind, said: lines.slice(0, 8) };
}
