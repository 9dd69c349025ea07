/** `gantry analyze`: reads an app, installs its dependencies where they are missing, and analyses it. */
import type { Environment } from "../base/environment.ts";
import type { Target } from "../release/index.ts";
import { analyzeApp, type Analysis } from "./analyze/index.ts";
import {
  bunFetcher,
  ensureInstalled,
  findBun,
  readApp,
  readInstalledSources,
  type App,
  type Bun,
} from "./app/index.ts";
import type { Scratch } from "./scratch.ts";
import { traceSources } from "./trace-sources.ts";

export interface AnalyzeDirectoryOptions {
  readonly appDir: string;
  readonly target: Target;
  /** This machine's target. */
  readonly host: Target;
  /** Path of the Bun to use, instead of the app's own. */
  readonly bun?: string | undefined;
  readonly environment: Environment;
  readonly scratch: Scratch;
}

/**
 * Analyses the app in a directory.
 * @throws GantryError CONFIG_INVALID, NETWORK_FAILED when its dependencies have to be installed and cannot be
 */
export async function analyzeAppDirectory(options: AnalyzeDirectoryOptions): Promise<Analysis> {
  const { environment, scratch, target } = options;
  const app = await readApp(options.appDir);
  const found = readInstalledSources(app);
  // An app on Node whose modules are installed needs no Bun here.
  if (found !== undefined && app.settings.runtime === "node")
    return await analyzeApp(found, app.settings, target);
  const directory = scratch.makePrivate();
  try {
    const bun = await findBuilder(app, options, directory);
    const sources = found ?? (await ensureInstalled(app, bun, { environment, scratch }));
    try {
      const trace = await traceSources({ app, sources, bun: bun.path, environment, scratch });
      return await analyzeApp(sources, app.settings, target, trace);
    } finally {
      sources.dispose();
    }
  } finally {
    scratch.remove(directory);
  }
}

async function findBuilder(app: App, options: AnalyzeDirectoryOptions, directory: string): Promise<Bun> {
  const { bun, environment, host } = options;
  const fetch = bunFetcher(app, { directory, host, environment });
  return await findBun(app, { named: bun, environment, runtime: app.settings.runtime, fetch });
}
