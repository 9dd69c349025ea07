/** Settings that name commands of the app: `activate`. */
import * as v from "valibot";
import { ActivateSchema } from "../../../release/index.ts";

/**
 * Arguments of the app. A single string is split at spaces. One with quotes or backslashes is refused, because these
 * would have no meaning.
 */
export const Activate = v.pipe(
  v.union([v.string(), v.array(v.string())]),
  v.check(
    (value) => typeof value !== "string" || !/['"\\]/.test(value),
    "holds quotes or backslashes: write it as a list of arguments",
  ),
  v.transform((value) =>
    typeof value === "string" ? value.split(" ").filter((word) => word !== "") : value,
  ),
  ActivateSchema,
);
