/**
 * The app's side of the load probe (release/probe.ts): loads what it is asked to, answers on standard output line
 * by line, and ends the process without the app having run. Part of the prelude, so it runs under Bun alone.
 */
import type * as fs from "node:fs";
import type * as node from "node:process";
import { probePrefix, type ProbeAnswer, type ProbeRequest } from "../../release/probe.ts";

/**
 * Begins the probe and throws, which keeps the app from being evaluated; the process ends when the probe does,
 * with 0, whatever the modules said.
 */
export function startProbe(request: string, load: (specifier: string) => Promise<unknown>): never {
  const { nonce, specifiers } = JSON.parse(request) as ProbeRequest;
  const { writeSync } = import.meta.require("node:fs") as typeof fs;
  const { exit } = import.meta.require("node:process") as typeof node;
  const answer = (line: ProbeAnswer) => {
    let rest = Buffer.from(`${probePrefix(nonce)}${JSON.stringify(line)}\n`);
    // A pipe may take less than it is given.
    while (rest.length > 0) rest = rest.subarray(writeSync(1, rest));
  };
  const stop = new Error("the app does not start: GANTRY_PROBE is set");
  process.on("uncaughtException", (error) => {
    if (error !== stop) writeSync(2, `${error.stack ?? String(error)}\n`);
  });
  void probeAll();
  throw stop;

  async function probeAll(): Promise<void> {
    for (const specifier of specifiers) {
      // Said before the load, so that a crash names its module.
      answer({ specifier, state: "loading" });
      try {
        await load(specifier);
        answer({ specifier, state: "loaded" });
      } catch (error) {
        const { name, message } = describe(error);
        answer({ specifier, state: "failed", name, message });
      }
    }
    exit(0);
  }
}

function describe(error: unknown): { name: string; message: string } {
  if (typeof error !== "object" || error === null) return { name: typeof error, message: String(error) };
  const name = "name" in error ? String(error.name) : "Error";
  return { name, message: "message" in error ? String(error.message) : "" };
}
