/** Settings that name files of the release: `include`, `keep` and `exclude`. */
import * as v from "valibot";
import { AppPath, Text } from "./values.ts";

export const Include = v.array(AppPath);

/** Paths or patterns below node_modules. */
export const ModuleFiles = v.array(
  v.pipe(
    Text,
    v.check(
      (path) => !path.startsWith("/") && !path.split("/").includes("..") && !path.startsWith("node_modules/"),
      "must be relative to node_modules, such as some-package/docs/*.md",
    ),
  ),
);
