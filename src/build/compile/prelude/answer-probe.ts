/**
 * Runs the load probe in the compiled app (../../preload/load-probe.ts), and ends the process without running the app.
 * This code is part of the prelude, so it runs under Bun only.
 */
import type * as fs from "node:fs";
import type * as node from "node:process";
import { runLoadProbe } from "../../preload/index.ts";

/**
 * Starts the probe and throws, so that the app is not evaluated. The process exits with 0 when the probe has ended,
 * whether the modules could be loaded or not.
 */
export function startProbe(request: string, load: (specifier: string) => Promise<unknown>): never {
  const { writeSync } = import.meta.require("node:fs") as typeof fs;
  const { exit } = import.meta.require("node:process") as typeof node;
  const stop = new Error("the app does not start: GANTRY_PROBE is set");
  process.on("uncaughtException", (error) => {
    if (error !== stop) writeSync(2, `${error.stack ?? String(error)}\n`);
  });
  void runLoadProbe(request, load, (bytes) => writeSync(1, bytes)).then(() => exit(0));
  throw stop;
}
