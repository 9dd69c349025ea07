/** Findings in the JSON of every command. */
import * as v from "valibot";
import { ERRORS, type ErrorCode, type SpelledFinding } from "../../../src/base/errors.ts";
import type { CompatFinding, Explanation, FileVerdict } from "../../../src/compat/index.ts";
import { agree } from "./agree.ts";

/** A schema with a description. */
export function described<S extends v.GenericSchema>(
  schema: S,
  text: string,
): v.SchemaWithPipe<readonly [S, v.DescriptionAction<v.InferOutput<S>, string>]> {
  return v.pipe(schema, v.description(text));
}

export const text = v.string();
export const texts = v.array(v.string());
export const whole = v.pipe(v.number(), v.integer());

export const CodeSchema = described(
  v.picklist(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]),
  "of the table of errors; a later version may have further ones",
);
const fix = described(text, "the exact thing to do");

export const FindingSchema = agree<SpelledFinding>()(
  v.object({
    exit: described(whole, "the exit status that this finding has, one of sysexits.h"),
    code: CodeSchema,
    what: described(text, "what is wrong, one sentence without a full stop"),
    where: described(v.exactOptional(text), "the file, key or address that it is about"),
    detail: described(v.exactOptional(texts), "lines worth quoting, such as a loader's message"),
    fix,
  }),
);

export const CompatFindingSchema = agree<CompatFinding>()(
  v.object({
    code: CodeSchema,
    severity: described(v.picklist(["error", "warning"]), "an error keeps the file from loading"),
    file: described(text, "the file that was judged"),
    what: described(text, "one sentence without a full stop"),
    evidence: described(text, "the symbol, version or library that decides it"),
    symbols: described(v.exactOptional(texts), "every symbol that it is about"),
    fix,
    downgraded: described(v.exactOptional(v.literal(true)), "GANTRY_SKIP made a warning of an error"),
  }),
);

export const FileVerdictSchema = agree<FileVerdict>()(
  v.object({
    path: text,
    verdict: described(
      v.picklist(["ok", "warn", "fail", "skip"]),
      "fail: it will not load; skip: it is for another platform, or no addon",
    ),
    findings: described(v.array(CompatFindingSchema), "in the order in which a loader finds them"),
  }),
);

export const ExplanationSchema = agree<Explanation>()(
  v.object({
    code: CodeSchema,
    quote: described(text, "the line that was recognised"),
    cause: text,
    fix,
  }),
);
