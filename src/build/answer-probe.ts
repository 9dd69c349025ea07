/**
 * The app's side of the load probe (release/probe.ts): loads what it is asked to and answers on standard output, line
 * by line. Bundled into what runs before an app, under Bun and under Node.
 */
import { probePrefix, type ProbeAnswer, type ProbeRequest } from "../release/probe.ts";

/**
 * Never rejects, whatever the modules do.
 * @param request the value of GANTRY_PROBE
 * @param write writes to standard output and says how much of it
 */
export async function answerProbe(
  request: string,
  load: (specifier: string) => Promise<unknown>,
  write: (bytes: Uint8Array) => number,
): Promise<void> {
  const { nonce, specifiers } = JSON.parse(request) as ProbeRequest;
  const answer = (line: ProbeAnswer): void => {
    let rest = Buffer.from(`${probePrefix(nonce)}${JSON.stringify(line)}\n`);
    // A pipe may take less than it is given.
    while (rest.length > 0) rest = rest.subarray(write(rest));
  };
  for (const specifier of specifiers) {
    // Said before the load, so that a crash names its module.
    answer({ specifier, state: "loading" });
    try {
      await load(specifier);
      answer({ specifier, state: "loaded" });
    } catch (error) {
      answer({ specifier, state: "failed", ...describe(error) });
    }
  }
}

function describe(error: unknown): { name: string; message: string } {
  if (typeof error !== "object" || error === null) return { name: typeof error, message: String(error) };
  const name = "name" in error ? String(error.name) : "Error";
  return { name, message: "message" in error ? String(error.message) : "" };
}
