/** What a command prints with `--json`, against its schema in schemas/. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Schema, Validator } from "@cfworker/json-schema";

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** A published schema allows further keys, for later versions; the tests do not, so that each key is described. */
function closed(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== "object" || schema === null) return schema;
  const inner = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  return "properties" in inner ? { ...inner, additionalProperties: false } : inner;
}

/**
 * The value that a command printed.
 * @param command a file of schemas/, without its ending
 * @throws Error with every place that does not match the schema
 */
export function parseJson<T = Record<string, unknown>>(command: string, text: string): T {
  const file = join(import.meta.dirname, "../../schemas", `${command}.json`);
  const schema = closed(JSON.parse(readFileSync(file, "utf8")) as Json) as Schema;
  const value = JSON.parse(text) as T;
  const { valid, errors } = new Validator(schema, "2020-12", false).validate(value);
  if (valid) return value;
  const places = errors.map(({ instanceLocation, error }) => `${instanceLocation}: ${error}`);
  throw new Error(`the JSON of ${command} does not match ${file}:\n${places.join("\n")}`);
}
