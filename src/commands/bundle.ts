/** `gantry bundle` as a citty definition: its arguments and its output. */
import type { CommandDef } from "citty";
import { defineCommand, flagValues } from "../base/command-line.ts";
import { bun, release, target } from "./arguments.ts";
import type { CommandContext } from "./command-context.ts";

export function bundleCommand({ environment, log, scratch, print, signal }: CommandContext): CommandDef {
  return defineCommand({
    meta: { name: "bundle", description: "Adds bundles to a release, on a machine with a network" },
    args: {
      release: { ...release, description: "a release's directory" },
      target: {
        ...target,
        description: "whose bundle; the release's own when left out; may be given more than once",
      },
      out: {
        type: "string",
        valueHint: "DIR",
        description: "write bundles that travel alone there, instead",
      },
      push: {
        type: "string",
        valueHint: "oci://HOST/REPOSITORY:TAG",
        description: "put them into a registry, instead; Docker's login is used",
      },
      bun: { ...bun, description: "the Bun to use instead of the release's own binary" },
    },
    async run({ args, rawArgs }) {
      const { addBundles, pushBundles } = await import("../index.ts");
      const targets = flagValues(rawArgs, "target");
      const options = {
        release: args.release,
        targets,
        out: args.out,
        bun: args.bun,
        environment,
        log,
        scratch,
        signal,
      };
      if (args.push !== undefined) {
        print(await pushBundles({ ...options, push: args.push }));
        return;
      }
      const { files, removedSignatures, repacked } = await addBundles(options);
      const outdated = repacked?.removedSignature;
      const removed = [...removedSignatures, ...(outdated === undefined ? [] : [outdated])];
      if (removed.length > 0)
        log.warn(`sign the release again: removed ${removed.join(" and ")}, which no longer held`);
      print([...files, ...(repacked === undefined ? [] : [repacked.archive])].join("\n"));
    },
  });
}
