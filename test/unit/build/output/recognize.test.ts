import { describe, expect, it } from "vitest";
import { recognizeOutput } from "../../../../src/build/output/recognize.ts";
import { makeApp } from "../../../support/build/scratch.ts";

const PACKAGE = { name: "dep", version: "1.0.0" };

describe("recognizeOutput", () => {
  it("knows Nitro's output, with and without packages in it", () => {
    const files = { ".output/server/index.mjs": "", ".output/nitro.json": {}, ".output/public/a.txt": "" };
    const entry = ".output/server/index.mjs";
    const output = { name: "Nitro", directory: ".output", entry: "server/index.mjs", beside: [] };
    expect(recognizeOutput(makeApp(files), entry, ".output")).toEqual({ ...output, traced: false });
    const traced = makeApp({ ...files, ".output/server/node_modules/dep/package.json": PACKAGE });
    expect(recognizeOutput(traced, entry, ".output")).toEqual({ ...output, traced: true });
  });

  it("knows Next.js's, and brings the static files into it", () => {
    const dir = makeApp({
      ".next/standalone/server.js": "",
      ".next/standalone/.next/BUILD_ID": "1",
      ".next/standalone/node_modules/next/package.json": PACKAGE,
      ".next/static/chunk.js": "",
      "public/logo.svg": "",
    });
    expect(recognizeOutput(dir, ".next/standalone/server.js", ".next")).toEqual({
      name: "Next.js",
      directory: ".next/standalone",
      entry: "server.js",
      beside: [
        { from: ".next/static", to: ".next/static" },
        { from: "public", to: "public" },
      ],
      traced: true,
    });
  });

  it("finds Next.js's server below standalone, where a workspace has the app", () => {
    const dir = makeApp({
      ".next/standalone/apps/web/server.js": "",
      ".next/standalone/apps/web/.next/BUILD_ID": "1",
      ".next/standalone/node_modules/next/package.json": PACKAGE,
      ".next/standalone/node_modules/next/server.js": "",
      ".next/static/chunk.js": "",
    });
    expect(recognizeOutput(dir, ".next/standalone/server.js", ".next")).toMatchObject({
      entry: "apps/web/server.js",
      beside: [{ from: ".next/static", to: "apps/web/.next/static" }],
    });
  });

  it("takes no other directory of that name for Next.js's", () => {
    const dir = makeApp({ "src/standalone/server.js": "" });
    expect(recognizeOutput(dir, "src/standalone/server.js", undefined)).toBeUndefined();
  });

  it.each([
    ["SvelteKit", "build", "index.js", ["build/index.js", "build/handler.js", "build/server/manifest.js"]],
    ["server and client", "dist", "server/entry.mjs", ["dist/server/entry.mjs", "dist/client/a.svg"]],
  ])("knows the output of %s", (name, directory, entry, paths) => {
    const dir = makeApp(Object.fromEntries(paths.map((path) => [path, ""])));
    const found = recognizeOutput(dir, `${directory}/${entry}`, directory);
    expect(found).toEqual({ name, directory, entry, beside: [], traced: false });
  });

  it("knows packages that any build put into what it made, and only there", () => {
    const dir = makeApp({ "dist/main.js": "", "dist/node_modules/dep/package.json": PACKAGE });
    expect(recognizeOutput(dir, "dist/main.js", "dist")).toMatchObject({ directory: "dist", traced: true });
    expect(recognizeOutput(dir, "dist/main.js", undefined)).toBeUndefined();
    expect(recognizeOutput(makeApp({ "dist/main.js": "" }), "dist/main.js", "dist")).toBeUndefined();
  });
});
