/**
 * The compiled app's side of the load probe (../preload/load-probe.ts): it ends the process without the app having run. Part of
 * the prelude, so it runs under Bun alone.
 */
import type * as fs from "node:fs";
import type * as node from "node:process";
import { runLoadProbe } from "../preload/index.ts";

/**
 * Begins the probe and throws, which keeps the app from being evaluated; the process ends when the probe does,
 * with 0, whatever the modules said.
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
