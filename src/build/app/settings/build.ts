/** The setting `build`: options of the compiler, and of a Node app's own build. */
import * as v from "valibot";
import { AppPath, Text, type Meanings } from "./values.ts";

export const Build = v.strictObject({
  defines: v.optional(v.record(Text, v.string())),
  plugins: v.optional(v.array(AppPath)),
  workers: v.optional(v.array(AppPath)),
  sourcemap: v.optional(v.picklist(["none", "linked", "external", "inline"])),
  /** For Node apps only. */
  script: v.optional(v.union([Text, v.literal(false)])),
});

/** The setting `gantry.build`. All paths are relative to the app. */
export type BuildSettings = Readonly<v.InferOutput<typeof Build>>;

export const BUILD_MEANINGS: Meanings<keyof BuildSettings> = {
  defines:
    'Names that are replaced by an expression, such as `{"API": "\'https://example.org\'"}`. `process.env.NODE_ENV` is `"production"` unless it is named here; defined as itself, it is looked up at run time. Not for Node apps.',
  plugins: "Modules that export a Bun plugin. Not for Node apps.",
  workers: "More entry points: workers whose names the app computes. Others are found. Not for Node apps.",
  sourcemap: "Where the source map goes.",
  script:
    "Node apps: the script of package.json that makes the JavaScript, `build` when left out; `false` when the app is JavaScript already.",
};
