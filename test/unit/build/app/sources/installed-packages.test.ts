import { expect, it } from "vitest";
import { readInstalled } from "../../../../../src/build/app/sources/installed-packages.ts";
import { makeApp } from "../../../../support/build/scratch.ts";

/** An ORM with three drivers, none of which it needs. */
const orm = {
  name: "orm",
  version: "1.0.0",
  peerDependencies: { developed: "*", produced: "*", nested: "*", required: "*" },
  peerDependenciesMeta: {
    developed: { optional: true },
    produced: { optional: true },
    nested: { optional: true },
  },
};
const plain = (name: string, more: object = {}) => ({ name, version: "1.0.0", ...more });

it("an optional peer that only devDependencies install is no module of production", () => {
  const dir = makeApp({
    "package.json": {
      name: "app",
      dependencies: { orm: "1", produced: "1", user: "1" },
      devDependencies: { developed: "1", required: "1" },
    },
    "node_modules/orm/package.json": orm,
    "node_modules/developed/package.json": plain("developed", { dependencies: { below: "1" } }),
    "node_modules/below/package.json": plain("below"),
    "node_modules/produced/package.json": plain("produced"),
    "node_modules/required/package.json": plain("required"),
    "node_modules/user/package.json": plain("user", { dependencies: { nested: "1" } }),
    "node_modules/nested/package.json": plain("nested"),
  });
  const { packages } = readInstalled(dir, dir);
  const names = [...packages.values()].map(({ name }) => name);
  expect(names.toSorted()).toEqual(["app", "nested", "orm", "produced", "required", "user"]);
  const edges = [...packages.values()].find(({ name }) => name === "orm")?.edges ?? [];
  expect(edges.filter(({ to }) => to === undefined).map(({ name }) => name)).toEqual(["developed"]);
});
