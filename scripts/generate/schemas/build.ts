/** The output of `gantry build --json`. */
import * as v from "valibot";
import type { BuildJson } from "../../../src/build/index.ts";
import { agree } from "./agree.ts";
import { described, FindingSchema, text, texts, whole } from "./findings.ts";

const seconds = described(v.number(), "from its start until that was seen");
const StartSchema = v.object({
  way: described(
    v.picklist(["no modules", "vendor", "registry", "installed modules"]),
    "how it got its modules",
  ),
  outcome: v.picklist(["listening", "exited", "running"]),
  seconds,
  address: described(v.exactOptional(text), "where it listened"),
  exit: described(v.exactOptional(whole), "its exit status"),
  said: described(v.exactOptional(text), "its last line, when it ended with another status than 0"),
  killed: described(v.exactOptional(v.literal(true)), "it did not end after SIGTERM"),
  instead: described(v.exactOptional(text), "why the release's own way could not be tried here"),
});

const ReleaseSchema = v.object({
  name: text,
  version: text,
  target: text,
  directory: text,
  archive: described(v.exactOptional(text), "path of the .tar.gz; missing with --no-archive"),
  archiveBytes: v.exactOptional(whole),
  runtime: v.object({ kind: v.picklist(["bun", "node"]), version: text }),
  install: v.picklist(["first-run", "image", "vendor"]),
  files: described(v.record(text, whole), "sizes in bytes of the files of the release, by path"),
  modulesBytes: described(whole, "of all modules, which a release without a bundle gets when it starts"),
  outside: described(
    v.array(
      v.object({
        name: text,
        version: text,
        reason: described(text, "a sentence that names the evidence"),
        bytes: described(whole, "of all files that it needs, those that others need too included"),
        optional: described(v.boolean(), "the app starts without it"),
        unavailable: described(v.exactOptional(text), "why the release does not have it"),
      }),
    ),
    "the modules that stay outside the program",
  ),
  leftOut: described(
    v.array(
      v.object({
        reason: v.picklist([
          "gantry.exclude",
          "other platforms' binaries",
          "other runtimes' binaries",
          "binaries for graphics cards",
          "type declarations",
          "source maps",
          "documentation",
          "tests",
          "native sources",
          "command links",
          "packages outside the closure",
          "packages with nothing to load",
        ]),
        files: whole,
        bytes: whole,
      }),
    ),
    "files of the modules that no start reads",
  ),
  loadedHere: described(v.boolean(), "this machine loaded every module from the finished release"),
  started: described(
    v.union([
      v.object({
        state: v.literal("started"),
        network: described(v.picklist(["loopback", "open"]), "what the app could use meanwhile"),
        starts: v.array(StartSchema),
      }),
      v.object({ state: v.literal("not here") }),
      v.object({ state: v.literal("skipped") }),
    ]),
    "whether it was started at the end of the build",
  ),
});

const warnings = described(texts, "what the build warned of");
export const BuildSchema = agree<BuildJson>()(
  v.union([
    v.object({ schema: v.literal(1), outcome: v.literal("done"), releases: v.array(ReleaseSchema), warnings }),
    v.object({
      schema: v.literal(1),
      outcome: v.literal("failed"),
      exit: described(whole, "the exit status of the command"),
      findings: v.array(FindingSchema),
      warnings,
    }),
  ]),
);
