/** Images of an app that brings its Node: how large they are, how they run, and what a new version of the app ships. */
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { must, shellLessRoot } from "./containers.ts";
import { edit, HARSH, openImageBench, type ImageBench } from "./image-bench.ts";
import { slimRoot } from "./roots.ts";
import { startContainer } from "./running.ts";

let bench: ImageBench;
const SHELL_LESS = "gcr.io/distroless/cc-debian13:nonroot";
let first = "";
const tags = { first: "localhost/node-brain:1", changed: "localhost/node-brain:2" };

beforeAll(() => {
  bench = openImageBench();
  bench.containers.importBase(slimRoot(), "docker.io/library/debian:bookworm-slim");
  first = bench.buildApp("first", "test-node-brain", () => {});
  const changed = bench.buildApp("changed", "test-node-brain", (app) =>
    edit(join(app, "src/server.ts"), "of eight characters", "of 8 characters"),
  );
  must(bench.build(first, "multi-stage", { tag: tags.first, network: "none" }));
  must(bench.build(changed, "multi-stage", { tag: tags.changed, network: "none" }));
});
afterAll(() => bench.dispose());

it("runs as any user, read-only and without a network", async () => {
  const app = await startContainer(bench.containers, tags.first, HARSH);
  expect(app.health()).toMatchObject({ code: 0 });
  expect(app.stop()).toMatchObject({ code: "0" });
});

it("has less than 200 MB with debian:bookworm-slim, which has 75", () => {
  const added = bench.containers.layers(tags.first).slice(1);
  expect(added.reduce((sum, { size }) => sum + size, 0)).toBeLessThan(200e6 - 75e6);
});

it("a new version of the app ships neither Node nor modules", () => {
  const before = new Set(bench.containers.layers(tags.first).map(({ digest }) => digest));
  const shipped = bench.containers.layers(tags.changed).filter(({ digest }) => !before.has(digest));
  const files = shipped.flatMap((layer) => layer.files);
  expect(files).toContain("opt/node-brain/lib/app/server.js");
  expect(files.filter((file) => /lib\/node$|\.node$/.test(file))).toEqual([]);
  expect(shipped.reduce((sum, { size }) => sum + size, 0)).toBeLessThan(1_500_000);
});

it("of Node 26, which needs a library that no slim Debian has, gets that library", async () => {
  const tag = "localhost/node-26:1";
  const release = bench.buildApp("node-26", "test-node-brain", (app) =>
    edit(join(app, "package.json"), '"node": "24.21.0"', '"node": "26.10.0"'),
  );
  must(bench.build(release, "multi-stage", { tag, network: "host" }));
  const app = await startContainer(bench.containers, tag, HARSH);
  expect(app.health()).toMatchObject({ code: 0 });
  expect(app.stop()).toMatchObject({ code: "0" });
});

it("runs on a base without a shell", async () => {
  bench.containers.importBase(shellLessRoot(), SHELL_LESS);
  const tag = "localhost/node-brain-static:1";
  must(bench.build(first, "static-base", { tag, network: "none" }));
  const app = await startContainer(bench.containers, tag, HARSH);
  expect(app.exec("sh", "-c", "true").code).not.toBe(0);
  expect(app.stop()).toMatchObject({ code: "0" });
});
