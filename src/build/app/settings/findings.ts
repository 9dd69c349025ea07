/** Says what is wrong with a setting, in words for people. */
import { closest, distance } from "fastest-levenshtein";
import * as v from "valibot";
import type { Finding } from "../../../base/errors.ts";
import { KNOWN_KEYS, type Settings } from "./settings.ts";

type Issue = v.InferIssue<typeof Settings>;

/** A finding for one mistake: the key's path, its value and, where one is similar, the valid name or value. */
export function settingFinding(issue: Issue, where: string): Finding {
  const dotPath = v.getDotPath(issue);
  const path = dotPath === null ? "gantry" : `gantry.${dotPath}`;
  const parent = path.slice(0, Math.max(path.lastIndexOf("."), 0));
  const known = KNOWN_KEYS[parent];
  if (issue.expected === "never" && known !== undefined) {
    const key = path.slice(parent.length + 1);
    const near = nearest(key, known);
    return {
      code: "CONFIG_INVALID",
      what: `"${path}" is no setting${near === undefined ? "" : `; did you mean "${parent}.${near}"?`}`,
      where,
      fix:
        near === undefined
          ? `remove "${path}"; "${parent}" may hold ${known.join(", ")}`
          : `rename "${path}" to "${parent}.${near}"`,
    };
  }
  return {
    code: "CONFIG_INVALID",
    what: `"${path}" is ${show(issue.input)}: ${complaint(issue)}`,
    where,
    ...remedy(issue, path),
  };
}

/**
 * Says what is wrong with a value. The message of a check is used as it is. For a wrong type, a sentence with the
 * expected type replaces valibot's.
 */
function complaint(issue: Issue): string {
  if (issue.kind === "validation") return issue.message;
  if (issue.type === "picklist")
    return `it may be ${issue.expected?.replaceAll(/[()]/g, "") ?? "another value"}`;
  return `it must be ${SHAPES[issue.expected ?? ""] ?? issue.expected ?? "something else"}`;
}

const SHAPES: Readonly<Record<string, string>> = {
  string: "a string",
  number: "a number",
  Array: "a list",
  Object: "an object",
  boolean: "true or false",
  "(string | Array)": "a string or a list of strings",
};

function remedy(issue: Issue, path: string): Pick<Finding, "fix"> {
  if (issue.type !== "picklist") return { fix: `correct "${path}" in package.json` };
  const options = issue.expected?.match(/"([^"]*)"/g)?.map((option) => option.slice(1, -1)) ?? [];
  const near = typeof issue.input === "string" ? nearest(issue.input, options) : undefined;
  return near === undefined
    ? { fix: `set "${path}" to one of ${options.map((option) => `"${option}"`).join(", ")}` }
    : { fix: `set "${path}" to "${near}"` };
}

/** A value as JSON. A text of more than 60 characters is cut. */
export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/** The name that is most similar to a word. Undefined when more than half of the longer of the two differs. */
export function nearest(word: string, names: readonly string[]): string | undefined {
  if (names.length === 0) return undefined;
  const near = closest(word, names);
  return distance(word.toLowerCase(), near.toLowerCase()) <= Math.ceil(Math.max(word.length, near.length) / 2)
    ? near
    : undefined;
}
