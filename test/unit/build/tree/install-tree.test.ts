import { expect, it } from "vitest";
import { skippedPackages } from "../../../../src/build/tree/install-tree.ts";

const module = {
  name: "@x/linux-x64",
  version: "1.0.0",
  neededBy: ["a"],
  digest: "",
  files: {},
} as const;

it("finds a platform package that lies below the package that needs it, or under an alias", () => {
  const modules = {
    "a/node_modules/@x/linux-x64": { ...module, neededBy: ["a"] },
    alias: { ...module, neededBy: ["b"] },
  };
  const paths = ["a/node_modules/@x/linux-x64", "alias"];
  const tree = { modules, thinned: new Set<string>() };
  expect(skippedPackages(tree, paths)).toEqual([]);
  expect(skippedPackages(tree, [...paths, "@x/linux-x64"])).toEqual(["@x/linux-x64"]);
  // gantry.exclude may leave out every file of a package.
  expect(skippedPackages({ ...tree, thinned: new Set(["@x/cuda"]) }, ["@x/cuda"])).toEqual([]);
});
