/** Images of an app that brings its Node: how they run, how large they are, and what a new version of the app ships. */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { must, shellLessRoot } from "../support/images/containers.ts";
import { edit, HARSH, openImageBench, type ImageBench } from "../support/images/image-bench.ts";
import { bytesOf, expectService, expectSettings, newLayers, weigh } from "../support/images/image-conduct.ts";
import { slimRoot } from "../support/roots/roots.ts";
import { startContainer } from "../support/images/running.ts";
import { NODE, NODE_SETTING } from "../../scripts/pins.mjs";

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
  must(bench.build(changed, "multi-stage", { tag: tags.changed, network: "none", flags: ["--no-cache"] }));
});
afterAll(() => bench.dispose());

const subject = (tag: string) => ({
  tag,
  binary: "node-brain",
  program: "node",
  lines: [/^node-brain listening on http:\/\/127\.0\.0\.1:8080$/],
  kept: "data/brain.db",
});
const program = () => weigh(first).program;

describe.each([
  ["multi-stage", tags.first],
  ["vendored", "localhost/node-vendored:1"],
  ["static-base", "localhost/node-static:1"],
])("%s", (strategy, tag) => {
  beforeAll(() => {
    if (strategy === "static-base") bench.containers.importBase(shellLessRoot(), SHELL_LESS);
    if (tag !== tags.first) must(bench.build(first, strategy, { tag, network: "none" }));
  });

  it("serves as any user, read-only, within limits and without a network", () =>
    expectService(bench.containers, subject(tag)));

  it("has a user of its own, says what it is, and keeps the exit status", () => {
    expectSettings(bench.containers, subject(tag), "0.1.0");
    const failed = bench.containers.podman("run", "--rm", ...HARSH, tag, "never heard of");
    expect(failed).toMatchObject({ code: 64, stdout: "" });
  });

  it("adds Node, modules and app to its base, and all are below 200 MB", () => {
    const added = bytesOf(bench.containers.layers(tag).slice(1));
    expect(added).toBeLessThan(program() + weigh(first).modules + 1_048_576);
    expect(added).toBeLessThan(200e6 - 75e6);
  });
});

it("a new version ships neither Node nor modules, also from a new build machine", () => {
  const shipped = newLayers(bench.containers, tags.first, tags.changed);
  const files = shipped.flatMap((layer) => layer.files);
  expect(files).toContain("opt/node-brain/lib/app/server.js");
  expect(files.filter((file) => /lib\/node$|\.node$/.test(file))).toEqual([]);
  expect(bytesOf(shipped)).toBeLessThan(1_500_000);
});

it("of Node 26, which needs a library that no slim Debian has, gets that library", async () => {
  const tag = "localhost/node-26:1";
  const release = bench.buildApp("node-26", "test-node-brain", (app) =>
    edit(join(app, "package.json"), NODE_SETTING, `"node": "${NODE[26]}"`),
  );
  must(bench.build(release, "multi-stage", { tag, network: "host" }));
  const app = await startContainer(bench.containers, tag, HARSH);
  expect(app.health()).toMatchObject({ code: 0 });
  expect(app.stop()).toMatchObject({ code: "0" });
});
