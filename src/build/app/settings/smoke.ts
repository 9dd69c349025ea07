/** The setting `smoke`: how the finished release is started at the end of a build. */
import * as v from "valibot";
import { Line } from "../../../release/index.ts";
import type { Meanings } from "./values.ts";

export const Smoke = v.strictObject({
  arguments: v.optional(v.array(Line)),
  env: v.optional(
    v.record(v.pipe(v.string(), v.regex(/^[A-Za-z_]\w*$/, "is no name of a variable")), v.string()),
    {},
  ),
  exit: v.optional(v.array(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(255)))),
  listens: v.optional(v.boolean()),
  timeout: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(600)), 5),
});

/** The setting `gantry.smoke`. */
export type SmokeSettings = Readonly<v.InferOutput<typeof Smoke>>;

export const SMOKE_MEANINGS: Meanings<keyof SmokeSettings> = {
  arguments: "What it is started with; `service.arguments` when left out.",
  env: "Variables for it, beside `PATH`, `HOME`, `TMPDIR` and `STATE_DIRECTORY`.",
  exit: "Exit statuses with which it may end by itself. When left out: every one, unless its output says that a module or a file of the release was not found.",
  listens:
    "`true`: it has to listen. `false`: it runs until it ends or the time is up. When left out, it is ended once it listens.",
  timeout: "Seconds until it has to listen or to end; after them, one that still runs is told to end.",
};
