/** `gantry docker` as a citty definition: its arguments and its output. */
import type { CommandDef } from "citty";
import { STRATEGIES } from "../build/index.ts";
import { defineCommand } from "../base/command-line.ts";
import { printable, shellWord } from "../base/text.ts";
import type { CommandContext } from "./command-context.ts";

export function dockerCommand({ print, log, scratch, environment }: CommandContext): CommandDef {
  return defineCommand({
    meta: { name: "docker", description: "Writes the Dockerfile of a release, and what goes with it" },
    args: {
      release: {
        type: "positional",
        required: false,
        default: ".",
        description: "a release's directory, or that of an app with built releases",
      },
      strategy: {
        type: "enum",
        options: [...STRATEGIES],
        default: "multi-stage",
        description: "how the image gets the modules",
      },
      out: {
        type: "string",
        valueHint: "DIR",
        description: "the build context; beside the release if left out",
      },
      base: {
        type: "string",
        valueHint: "IMAGE[@DIGEST]",
        description: "instead of the base that suits the release",
      },
      pin: {
        type: "boolean",
        description: "ask the base's registry for its digest, and name the base by it",
      },
      compose: { type: "boolean", description: "write a compose.yaml too" },
    },
    async run({ args }) {
      const { readBaseDigests, writeImageFiles } = await import("../index.ts");
      const image = { path: args.release, strategy: args.strategy, base: args.base };
      // Never aborted: nothing is written while a registry is asked, so SIGINT may end the process at once.
      const { signal } = new AbortController();
      const debug = (text: string) => log.debug(text);
      const digests =
        args.pin === true ? await readBaseDigests({ ...image, environment, debug, signal }) : undefined;
      const compose = args.compose === true ? "with compose" : "without compose";
      const written = await writeImageFiles({ ...image, out: args.out, digests, compose, scratch });
      const weight =
        written.baseMegabytes === undefined ? "" : `, about ${written.baseMegabytes} MB compressed`;
      log.info(
        `base ${written.base}${weight}${written.pinned ? "" : "; its tag moves: --pin names it by today's digest"}`,
      );
      log.info(`docker build -t ${written.tag} ${printable(shellWord(written.context))}`);
      print(written.files.join("\n"));
    },
  });
}
