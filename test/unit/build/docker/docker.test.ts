import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { writeImageFiles, type DockerOptions } from "../../../../src/build/docker/docker.ts";
import { GantryError } from "../../../../src/base/errors.ts";
import { formatManifest, type Manifest } from "../../../../src/release/manifest.ts";
import { bunManifest, nodeManifest } from "../../../support/build/manifests.ts";
import { SCRATCH } from "../../../support/build/scratch.ts";

let work = "";
let release = "";

beforeEach(() => {
  work = realpathSync(mkdtempSync(join(tmpdir(), "gantry-docker-")));
  release = place("notes-v1.2.3-linux-x64", bunManifest);
});
afterEach(() => rmSync(work, { recursive: true, force: true }));

function place(name: string, manifest: Manifest): string {
  const root = join(work, "releases", name);
  mkdirSync(join(root, "lib"), { recursive: true });
  writeFileSync(join(root, "lib/release.json"), formatManifest(manifest));
  writeFileSync(join(root, "notes"), "#!/bin/sh\n", { mode: 0o755 });
  return root;
}
const write = (options: Partial<DockerOptions> = {}) =>
  writeImageFiles({
    path: release,
    strategy: "multi-stage",
    compose: "without compose",
    scratch: SCRATCH,
    ...options,
  });
const refusal = async (options: Partial<DockerOptions>) => {
  try {
    await write(options);
  } catch (error) {
    if (error instanceof GantryError) return error.findings[0];
    throw error;
  }
  throw new Error("nothing was refused");
};

describe("where the files go", () => {
  it("is the directory that holds the release", async () => {
    expect(await write({ compose: "with compose" })).toMatchObject({
      context: join(work, "releases"),
      tag: "notes:1.2.3",
      pinned: false,
    });
    expect(readdirSync(join(work, "releases")).toSorted()).toEqual([
      ".dockerignore",
      "Dockerfile",
      "compose.yaml",
      "notes-v1.2.3-linux-x64",
    ]);
  });

  it("may be any directory above it, such as the app's", async () => {
    await write({ out: work });
    expect(readFileSync(join(work, "Dockerfile"), "utf8")).toContain(
      "COPY releases/notes-v1.2.3-linux-x64/ ./",
    );
  });

  it("elsewhere gets the release too, as it was released", async () => {
    mkdirSync(join(release, "node_modules/a"), { recursive: true });
    writeFileSync(join(release, "node_modules/a/index.js"), "");
    writeFileSync(join(release, ".env"), "SECRET=1\n");
    const out = join(work, "elsewhere");
    for (let twice = 0; twice < 2; twice += 1) await write({ out });
    expect(readdirSync(out).toSorted()).toEqual([".dockerignore", "Dockerfile", "notes-v1.2.3-linux-x64"]);
    expect(readdirSync(join(out, "notes-v1.2.3-linux-x64")).toSorted()).toEqual(["lib", "notes"]);
  });

  it("is never the release itself, whose files are all in its sums", async () => {
    expect(await refusal({ out: join(release, "lib") })).toMatchObject({ code: "USAGE" });
    expect(existsSync(join(release, "lib/Dockerfile"))).toBe(false);
    symlinkSync(release, join(work, "elsewhere"));
    expect(await refusal({ out: join(work, "elsewhere") })).toMatchObject({ code: "USAGE", where: release });
    expect(await refusal({ out: join(work, "elsewhere/new") })).toMatchObject({ code: "USAGE" });
  });

  it("are those of the release itself when it is named by a link", async () => {
    symlinkSync(release, join(work, "current"));
    expect((await write({ path: join(work, "current") })).context).toBe(join(work, "releases"));
    const text = readFileSync(join(work, "releases/Dockerfile"), "utf8");
    expect(text).toContain("COPY notes-v1.2.3-linux-x64/ ./");
  });

  it("keeps what somebody else wrote", async () => {
    const mine = join(work, "releases/Dockerfile");
    writeFileSync(mine, "FROM scratch\n");
    expect(await refusal({})).toMatchObject({ code: "USAGE", where: mine });
    expect(readFileSync(mine, "utf8")).toBe("FROM scratch\n");
    expect(existsSync(join(work, "releases/.dockerignore"))).toBe(false);
    rmSync(mine);
    await write();
    await write({ strategy: "lazy" });
    mkdirSync(join(work, "other/Dockerfile"), { recursive: true });
    expect(await refusal({ out: join(work, "other") })).toMatchObject({
      code: "USAGE",
      where: join(work, "other/Dockerfile"),
    });
  });

  it("keeps a directory of the release's name that holds more than a release", async () => {
    const out = join(work, "elsewhere");
    await write({ out });
    const settings = join(out, "notes-v1.2.3-linux-x64/.env");
    writeFileSync(settings, "SECRET=1\n");
    expect(await refusal({ out })).toMatchObject({ code: "USAGE", where: settings });
    expect(readFileSync(settings, "utf8")).toBe("SECRET=1\n");
    expect(readdirSync(out).toSorted()).toEqual([".dockerignore", "Dockerfile", "notes-v1.2.3-linux-x64"]);
    rmSync(settings);
    const modules = join(out, "notes-v1.2.3-linux-x64/node_modules");
    for (const name of ["a", "b"]) mkdirSync(join(modules, name), { recursive: true });
    for (const name of ["a", "b"]) writeFileSync(join(modules, name, "index.js"), "");
    expect(await refusal({ out })).toMatchObject({ code: "USAGE", where: modules });
    rmSync(modules, { recursive: true });
    // An earlier build of that version had a file that this one does not have.
    writeFileSync(join(out, "notes-v1.2.3-linux-x64/old"), "");
    writeFileSync(join(out, "notes-v1.2.3-linux-x64/SHA256SUMS"), `${"0".repeat(64)}  old\n`);
    await write({ out });
    expect(readdirSync(join(out, "notes-v1.2.3-linux-x64")).toSorted()).toEqual(["lib", "notes"]);
  });
});

const app = () => writeFileSync(join(work, "package.json"), '{"name":"notes","version":"1.2.3"}');

describe("which release", () => {
  it("is the app's only one", async () => {
    app();
    expect((await write({ path: work })).context).toBe(join(work, "releases"));
  });

  it("is asked for when there are two", async () => {
    app();
    place("notes-v1.2.3-linux-x64-musl", { ...bunManifest, target: "linux-x64-musl" });
    expect(await refusal({ path: work })).toMatchObject({
      code: "USAGE",
      what: "there are 2 releases of notes 1.2.3",
    });
  });

  it.each([
    ["nothing there", () => rmSync(release, { recursive: true })],
    [
      "another version",
      () => writeFileSync(join(work, "package.json"), '{"name":"notes","version":"2.0.0"}'),
    ],
  ])("%s", async (_, change) => {
    app();
    change();
    expect((await refusal({ path: work }))?.fix).toMatch(/run gantry build first/);
  });
});

describe("what does not go together", () => {
  it.each([
    ["vendored", bunManifest, "BUNDLE_MISSING"],
    ["node-alpine", bunManifest, "USAGE"],
    ["static-base", nodeManifest, "USAGE"],
    ["static-base", { ...bunManifest, target: "linux-x64-musl" }, "USAGE"],
    ["lazy", { ...bunManifest, install: "vendor" }, "USAGE"],
    ["runtime", { ...bunManifest, install: "vendor" }, "USAGE"],
    ["runtime", nodeManifest, "USAGE"],
    ["multi-stage", { ...bunManifest, target: "darwin-arm64" }, "USAGE"],
  ] as const)("%s is refused", async (strategy, manifest, code) => {
    const path = place("other", { ...manifest, modules: MODULES });
    expect(await refusal({ path, strategy })).toMatchObject({ code });
    expect(readdirSync(join(work, "releases"))).not.toContain("Dockerfile");
  });

  it.each(["debian", "debian:latest", "alpine:edge", "De bian:1", "debian@sha256:12"])(
    "--base %s",
    async (base) => {
      expect(await refusal({ base })).toMatchObject({ code: "USAGE" });
    },
  );

  it("a path that a Dockerfile would not read as it is", async () => {
    cpSync(release, join(work, "my $release"), { recursive: true });
    expect(await refusal({ path: join(work, "my $release"), out: work })).toMatchObject({ code: "USAGE" });
  });
});

const MODULES: Manifest["modules"] = {
  a: { name: "a", version: "1.0.0", digest: "0".repeat(64), neededBy: ["a"], files: {} },
};
