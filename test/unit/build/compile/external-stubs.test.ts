import { describe, expect, test } from "vitest";
import { externalFilter, packageOf, prependPrelude } from "../../../../src/build/compile/external-stubs.ts";

describe("prependPrelude", () => {
  test.each([
    ["plain source", "a();\nb();", 'import "gantry:prelude";a();\nb();'],
    ["a #! line", "#!/usr/bin/env bun\na();", '#!/usr/bin/env bun\nimport "gantry:prelude";a();'],
    ["a #! line with a carriage return", "#!bun\r\na();", '#!bun\r\nimport "gantry:prelude";a();'],
    ["a #! line alone", "#!bun", '#!bun\nimport "gantry:prelude";'],
    ["a byte order mark", "\u{feff}#!bun\na();", '#!bun\nimport "gantry:prelude";a();'],
    ["nothing", "", 'import "gantry:prelude";'],
  ])("keeps every line of %s in its place", (_, source, expected) => {
    expect(prependPrelude(source, "esm")).toBe(expected);
  });

  test("leaves a CommonJS module one", () => {
    expect(prependPrelude("exports.a = 1;", "cjs")).toBe('require("gantry:prelude");exports.a = 1;');
  });
});

describe("externalFilter", () => {
  const filter = externalFilter(["ms", "@libsql/client", "a.b"]);

  test.each(["ms", "ms/package.json", "@libsql/client", "@libsql/client/web", "a.b"])(
    "takes %s",
    (specifier) => {
      expect(filter.test(specifier)).toBe(true);
    },
  );

  test.each(["msx", "./ms", "x/ms", "@libsql/client-wasm", "@libsql", "aXb", ""])(
    "leaves %s",
    (specifier) => {
      expect(filter.test(specifier)).toBe(false);
    },
  );

  test("takes nothing when there are no externals", () => {
    expect(externalFilter([]).test("")).toBe(false);
    expect(externalFilter([]).test("/x")).toBe(false);
  });
});

test.each([
  ["ms", "ms"],
  ["ms/package.json", "ms"],
  ["@libsql/client", "@libsql/client"],
  ["@libsql/client/web", "@libsql/client"],
])("packageOf %s is %s", (specifier, name) => {
  expect(packageOf(specifier)).toBe(name);
});
