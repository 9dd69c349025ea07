/** The settings of an app: keys, values, defaults and descriptions from the files of src/build/app/settings. */
import { BUILD_MEANINGS } from "../../src/build/app/settings/build.ts";
import { SERVICE_MEANINGS } from "../../src/build/app/settings/service.ts";
import { Settings, SETTING_MEANINGS } from "../../src/build/app/settings/settings.ts";
import { SMOKE_MEANINGS } from "../../src/build/app/settings/smoke.ts";
import { code, listed, table } from "./cells.ts";

/** The parts of a valibot schema that the tables need. A part that the schema lacks is absent. */
interface Schema {
  readonly type: string;
  readonly default?: unknown;
  readonly wrapped?: Schema;
  readonly entries?: Readonly<Record<string, Schema>>;
  readonly options?: readonly unknown[];
  readonly literal?: unknown;
  readonly item?: Schema;
  readonly getter?: (value: unknown) => Schema;
  readonly pipe?: readonly { readonly type: string; readonly requirement?: unknown }[];
}

const entries = Settings.entries as unknown as Readonly<Record<string, Schema>>;

export const appSettings = (): string => rows(entries, SETTING_MEANINGS, "");
export const buildSettings = (): string => rows(inner("build"), BUILD_MEANINGS, "build.");
export const serviceSettings = (): string => rows(inner("service"), SERVICE_MEANINGS, "service.");

export const smokeSettings = (): string => rows(inner("smoke"), SMOKE_MEANINGS, "smoke.");

function inner(key: string): Readonly<Record<string, Schema>> {
  const found = entries[key]?.wrapped?.entries;
  if (found === undefined) throw new TypeError(`"gantry.${key}" holds no settings`);
  return found;
}

function rows(
  schemas: Readonly<Record<string, Schema>>,
  meanings: Readonly<Record<string, string>>,
  prefix: string,
): string {
  const cells = Object.entries(schemas).map(([key, schema]) => [
    code(prefix + key),
    shape(schema),
    fallback(schema),
    meanings[key] ?? "",
  ]);
  return table(["key", "value", "when left out", "means"], cells);
}

/** Empty without a default, and when the description gives it. */
function fallback({ default: value }: Schema): string {
  if (value === undefined || JSON.stringify(value) === "{}") return "";
  return Array.isArray(value) && value.length === 0 ? "none" : code(JSON.stringify(value));
}

function shape(schema: Schema): string {
  const { type, wrapped, item, getter, options = [] } = schema;
  if (wrapped !== undefined) return shape(wrapped);
  if (getter !== undefined) return listed([getter("").type, getter({}).type].map(word), "or");
  if (type === "picklist")
    return listed(
      options.map((option) => code(JSON.stringify(option))),
      "or",
    );
  if (type === "literal") return code(JSON.stringify(schema.literal));
  if (type === "union") return listed((options as readonly Schema[]).map(shape), "or");
  if (type === "array") return `list of ${item === undefined ? "values" : many(item)}`;
  return word(type) + range(schema);
}

const many = (item: Schema): string =>
  item.type in WORDS ? `${word(item.type)}s${range(item)}` : `${shape(item)}s`;

const WORDS: Readonly<Record<string, string>> = {
  string: "text",
  boolean: "`true` or `false`",
  number: "whole number",
  record: "object",
  strict_object: "object",
};

function word(type: string): string {
  const known = WORDS[type];
  if (known === undefined) throw new TypeError(`no word for a setting that is a ${type}`);
  return known;
}

function range({ pipe = [] }: Schema): string {
  const limit = (type: string) => pipe.find((action) => action.type === type)?.requirement;
  const [least, most] = [limit("min_value"), limit("max_value")];
  if (least === undefined) return "";
  return most === undefined ? `, ${least} or more` : `, ${least} to ${most}`;
}
