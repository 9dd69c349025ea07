/** Adds to a finding's fix what only this host knows: a second way that is installed here. */
import type { Finding } from "../base/errors.ts";
import { readProgramPath } from "../base/process/index.ts";
import type { Environment } from "../base/environment.ts";
import type { Settings } from "./settings.ts";

/** An npm with its own proxy, certificates and token often gets through where nothing else does. */
export function adviseFindings(
  findings: readonly Finding[],
  settings: Settings | undefined,
  environment: Environment,
): readonly Finding[] {
  if (settings?.packageManager !== "bun" || readProgramPath("npm", environment) === undefined)
    return findings;
  return findings.map((finding) => {
    if (finding.code !== "NETWORK_FAILED" || finding.fix === undefined) return finding;
    return {
      ...finding,
      fix: `${finding.fix}; or let the npm of this host fetch: GANTRY_PACKAGE_MANAGER=npm`,
    };
  });
}
