/** Builds a Node app's JavaScript as `gantry build` does; what was made is removed after each test. */
import { readApp } from "../../../src/build/app/app.ts";
import { ensureInstalled } from "../../../src/build/app/sources/sources.ts";
import { buildJavaScript, type BuiltJavaScript } from "../../../src/build/node/javascript.ts";
import type { Environment } from "../../../src/base/environment.ts";
import { removeAfterTest } from "../removal.ts";
import { BUN, SCRATCH } from "./scratch.ts";

/**
 * @param warnings gets what it warns of
 * @param said gets what else it says
 */
export async function build(
  dir: string,
  environment: Environment = process.env,
  warnings: string[] = [],
  said: string[] = [],
): Promise<BuiltJavaScript> {
  const app = await readApp(dir);
  const sources = await ensureInstalled(app, BUN, { environment, scratch: SCRATCH });
  removeAfterTest(sources.dispose);
  const log = {
    info: (text: string) => void said.push(text),
    warn: (text: string) => void warnings.push(text),
  };
  const built = await buildJavaScript({ app, sources, bun: BUN.path, environment, scratch: SCRATCH, log });
  removeAfterTest(built.dispose);
  return built;
}
