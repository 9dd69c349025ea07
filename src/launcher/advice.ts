/** Adds to the fix of a finding that the npm of this host can be used instead. */
import type { Finding } from "../base/errors.ts";
import { readProgramPath } from "../base/process/index.ts";
import type { Environment } from "../base/environment.ts";
import type { Settings } from "./settings.ts";

/**
 * Adds GANTRY_PACKAGE_MANAGER=npm to the fix of network failures, if this host has npm and the variable does not name
 * it already. The npm of a host may be configured with a proxy, certificates and a token.
 */
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
