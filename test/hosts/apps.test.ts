/** A part of `npm run apps`: what docs/APPS.md says of the light apps is so today. */
import { join } from "node:path";
import { expect, it } from "vitest";
import { readResults } from "../../scripts/apps/results.ts";
import { ensureToolchain } from "../../scripts/apps/toolchain.ts";
import { tryApp } from "../../scripts/apps/try.ts";
import { APPS } from "../apps/table.ts";
import { partOf } from "../support/wide-table.ts";

const root = join(import.meta.dirname, "../..");
const LIGHT = new Set(["fastify", "lightningcss-dev", "elysia-sharp"]);
const reached = new Map(readResults(root).map((result) => [result.name, result.reached]));
const light = APPS.filter(({ name }) => LIGHT.has(name) && reached.get(name) === "offline");

it.each(partOf("light apps", light, 1))("$name is built, started, and started offline", async (app) => {
  const result = await tryApp(app, await ensureToolchain(root), { log: console.log, keep: "nothing" });
  expect(result).toMatchObject({ reached: "offline", init: true });
});
