/**
 * The app's part of the load probe (release/probe-protocol.ts): loads the requested modules and writes the results to standard
 * output, line by line. It is bundled into the code that runs before an app, under Bun and under Node.
 */
import { probePrefix, type ProbeResponse, type ProbeRequest } from "../../release/start/probe-protocol.ts";

export interface NativeLoader {
  readonly load: (path: string) => unknown;
  /**
   * Returns a text with the paths of all files that this process has mapped into memory. Empty when that is unknown.
   */
  readonly mapped: () => string;
}

/**
 * Loads the requested modules. Never rejects, even when a module cannot be loaded.
 * @param request the value of GANTRY_PROBE
 * @param load loads a module by its specifier
 * @param write writes to standard output and returns the number of bytes written
 * @param native loads native files by their paths, when the request names any
 */
export async function runLoadProbe(
  request: string,
  load: (specifier: string) => Promise<unknown>,
  write: (bytes: Uint8Array) => number,
  native?: NativeLoader,
): Promise<void> {
  const { nonce, specifiers, files = [] } = JSON.parse(request) as ProbeRequest;
  const respond = (line: ProbeResponse): void => {
    let rest = Buffer.from(`${probePrefix(nonce)}${JSON.stringify(line)}\n`);
    // A pipe may accept fewer bytes than it is given.
    while (rest.length > 0) rest = rest.subarray(write(rest));
  };
  for (const specifier of specifiers) {
    // This line is written before the load, so that after a crash the last line names the module.
    respond({ specifier, state: "loading" });
    try {
      await load(specifier);
      respond({ specifier, state: "loaded" });
    } catch (error) {
      respond({ specifier, state: "failed", ...describe(error) });
    }
  }
  if (native === undefined || files.length === 0) return;
  const mapped = native.mapped();
  for (const group of files) {
    const [specifier = ""] = group;
    respond({ specifier, state: "loading" });
    const error = group.some((path) => mapped.includes(path)) ? undefined : tryEach(group, native.load);
    if (error === undefined) respond({ specifier, state: "loaded" });
    else respond({ specifier, state: "failed", ...describe(error) });
  }
}

/**
 * Tries to load one of several files. Undefined when one loads, else the first error. A package may have a file for
 * each ABI.
 */
function tryEach(paths: readonly string[], load: NativeLoader["load"]): unknown {
  const errors: unknown[] = [];
  for (const path of paths) {
    try {
      load(path);
      return undefined;
    } catch (error) {
      errors.push(error);
    }
  }
  return errors[0] ?? new Error("there is no native file");
}

function describe(error: unknown): { name: string; message: string } {
  if (typeof error !== "object" || error === null) return { name: typeof error, message: String(error) };
  const name = "name" in error ? String(error.name) : "Error";
  return { name, message: "message" in error ? String(error.message) : "" };
}
