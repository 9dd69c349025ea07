import { describe, expect, it } from "vitest";
import { imageTag, renderImage } from "../../../../src/build/docker/render.ts";
import { chooseBases, pinBases, STRATEGIES, type Strategy } from "../../../../src/build/docker/strategy.ts";
import type { Manifest } from "../../../../src/release/manifest.ts";
import { brokenRules, parseDockerfile } from "../../../support/build/dockerfile-rules.ts";
import { bunManifest, nodeManifest, ownNodeManifest } from "../../../support/build/manifests.ts";

const suited = (strategy: Strategy): Manifest => (strategy === "node-alpine" ? nodeManifest : bunManifest);
const render = (strategy: Strategy, manifest = suited(strategy), base?: string) =>
  renderImage({
    strategy,
    manifest,
    bases: chooseBases(strategy, manifest, base),
    release: "releases/notes-v1.2.3-linux-x64",
    compose: "with compose",
  });
const dockerfile = (strategy: Strategy, manifest?: Manifest, base?: string) =>
  render(strategy, manifest, base)["Dockerfile"] ?? "";
const finalStage = (text: string) => {
  const all = parseDockerfile(text);
  return all.filter(({ stage }) => stage === all.at(-1)?.stage);
};
const texts = (text: string, name: string) =>
  finalStage(text)
    .filter((instruction) => instruction.name === name)
    .map((instruction) => instruction.text);

describe.each(STRATEGIES.map((strategy) => [strategy]))("%s", (strategy) => {
  it("breaks none of hadolint's rules", () => {
    expect(brokenRules(dockerfile(strategy))).toEqual([]);
  });

  it("starts the app as process 1, uid nobody, root group, and stops it by SIGTERM", () => {
    const text = dockerfile(strategy);
    expect(texts(text, "STOPSIGNAL")).toEqual(["SIGTERM"]);
    const [command] = strategy === "node-alpine" ? texts(text, "CMD") : texts(text, "ENTRYPOINT");
    const started = JSON.parse(command ?? "[]") as string[];
    expect(started[0]).toBe(strategy === "static-base" ? "/opt/notes/lib/notes" : "/opt/notes/notes");
    const [user] = texts(text, "USER").slice(-1);
    expect(user).toBe(strategy === "node-alpine" ? "${RUN_AS}" : "10001:0");
    expect(texts(text, "CMD").map((words) => (JSON.parse(words) as string[]).at(-1))).toEqual(["serve"]);
  });

  it("asks for its health without curl, and listens where it is told", () => {
    const text = dockerfile(strategy);
    const [health = ""] = texts(text, "HEALTHCHECK");
    expect(health).toMatch(/"health"\]$/);
    expect(health).not.toMatch(/curl|wget|\bsh\b/);
    expect(texts(text, "EXPOSE")).toEqual(["8080/tcp"]);
    expect(texts(text, "ENV").join(" ")).toContain("PORT=8080");
  });

  it("has the variables of the service, and starts where the service does", () => {
    const environment = { MODE: 'a "b" \\ $HOME', EMPTY: "" };
    const service = { ...suited(strategy).service!, environment, workingDirectory: "release" } as const;
    const text = dockerfile(strategy, { ...suited(strategy), service });
    expect(texts(text, "ENV")).toContain(String.raw`MODE="a \"b\" \\ \$HOME" EMPTY=""`);
    expect(texts(text, "WORKDIR").at(-1)).toBe("/opt/notes");
    expect(texts(dockerfile(strategy), "WORKDIR").at(-1)).toBe("/var/lib/notes");
    expect(brokenRules(text)).toEqual([]);
  });

  it("has the labels of OCI images", () => {
    const [labels = ""] = texts(dockerfile(strategy), "LABEL");
    for (const key of ["title", "version", "description", "base.name"])
      expect(labels).toContain(`org.opencontainers.image.${key}=`);
    expect(labels).not.toContain("base.digest");
  });

  it("brings modules before the app, and nothing of the app before them", () => {
    if (strategy === "lazy") return;
    const order = finalStage(dockerfile(strategy)).filter(({ name }) => name === "COPY" || name === "RUN");
    const modules = order.findIndex(({ text }) => /layers\/modules|--mount=type=bind/.test(text));
    const app = order.findIndex(
      ({ name, text }) => name === "COPY" && !/layers\/(?:modules|state)/.test(text),
    );
    expect(modules).toBeGreaterThanOrEqual(0);
    expect(app).toBeGreaterThan(modules);
  });

  it("names a pinned base by its digest, and tells how to pin another", () => {
    const digest = `sha256:${"a".repeat(64)}`;
    const text = dockerfile(strategy, undefined, `example/base:1@${digest}`);
    expect(text).toContain(`=example/base:1@${digest}\n`);
    expect(text).toContain(`org.opencontainers.image.base.digest="${digest}"`);
    expect(text).not.toContain("Not pinned");
    expect(dockerfile(strategy)).toMatch(/Not pinned, .* --pin names it by today's digest/);
  });

  it.each([
    ["x64", "linux/amd64"],
    ["arm64", "linux/arm64"],
  ])("of an %s release asks for bases of %s on any machine", (arch, platform) => {
    const { target, ...others } = suited(strategy);
    const text = dockerfile(strategy, { ...others, target: target.replace("x64", arch) });
    const all = parseDockerfile(text);
    expect(all.filter(({ name }) => name === "ARG").map((arg) => arg.text)).toContain(`PLATFORM=${platform}`);
    const bases = all.filter(({ name, text: from }) => name === "FROM" && from.includes("${"));
    expect(bases.length).toBeGreaterThan(0);
    for (const base of bases) expect(base.text).toMatch(/^--platform=\$\{PLATFORM\} \$\{/);
  });

  it("makes no name into a directive of the builder, which would fetch what it names", () => {
    for (const name of ["syntax=example/evil", "escape=`", "check=skip=all"]) {
      const text = dockerfile(strategy, { ...suited(strategy), name });
      // Directives stand in the first lines, before anything else (docs.docker.com, Dockerfile reference).
      expect(text.split("\n", 1)[0]).not.toMatch(/^#\s*[A-Za-z][A-Za-z0-9]*\s*=/);
    }
  });

  it("makes no setting into an instruction", () => {
    const service = {
      ...suited(strategy).service!,
      description: 'says "hi" $(id) ${PATH} \\',
      arguments: ['a "b"', "$(id)", "c\\"],
    };
    const text = dockerfile(strategy, { ...suited(strategy), service });
    expect(brokenRules(text)).toEqual([]);
    expect(text).not.toMatch(/LABEL[^\n]*\$/);
    const words = JSON.parse(texts(text, "CMD")[0] ?? "[]") as string[];
    expect(words.slice(-3)).toEqual(['a "b"', "$(id)", "c\\"]);
  });
});

describe("an app with a Node of its own", () => {
  it.each(["multi-stage", "vendored", "static-base"] as const)(
    "of %s has it where the modules are",
    (strategy) => {
      const text = dockerfile(strategy, ownNodeManifest);
      expect(text).toContain(" mv lib/node /layers/modules/opt/notes/lib/ ");
      expect(brokenRules(text)).toEqual([]);
    },
  );

  it("is the only one: a program of Bun is the app", () => {
    const named = { ...bunManifest, binary: "node" };
    for (const manifest of [bunManifest, named, nodeManifest])
      expect(dockerfile("multi-stage", manifest)).not.toContain("mv lib/");
  });
});

describe("an app without a port", () => {
  it("has no health check and exposes nothing", () => {
    const { port: _, health: __, ...service } = bunManifest.service!;
    const names = parseDockerfile(dockerfile("multi-stage", { ...bunManifest, service })).map(
      ({ name }) => name,
    );
    expect(names).not.toContain("HEALTHCHECK");
    expect(names).not.toContain("EXPOSE");
  });
});

describe("a musl release", () => {
  it.each(["multi-stage", "vendored", "lazy", "runtime"] as const)(
    "breaks none of hadolint's rules in a %s image, but for the one that is told why",
    (strategy) => {
      const text = dockerfile(strategy, { ...bunManifest, target: "linux-x64-musl" });
      expect(brokenRules(text)).toEqual([]);
      expect(text).toMatch(/^# No versions: .*\n# hadolint ignore=DL3018\nRUN if command -v apk/m);
    },
  );

  it("gets an Alpine that has the C++ library", () => {
    const text = dockerfile("multi-stage", { ...bunManifest, target: "linux-x64-musl" });
    expect(text).toMatch(/^ARG BASE=alpine:3\.\d+$/m);
    expect(text).toMatch(/^RUN .*\bapk add --no-cache libgcc libstdc\+\+;/m);
  });
});

const nodeOn = (target: string, version: string, abi: number): Manifest => ({
  ...nodeManifest,
  target,
  runtime: { kind: "node", version, abi, system: true, entry: "lib/app/a.js" },
});
const needing = (value: string, manifest: Manifest): Manifest => ({
  ...manifest,
  requires: { arch: "x64", libc: "glibc", abi: [], libraries: [], glibc: { value, by: ["a.node"] } },
});

describe("the base that is proposed", () => {
  it.each([
    ["a Bun app", bunManifest, "debian:bookworm-slim"],
    ["a Bun app for a newer glibc", needing("2.38", bunManifest), "debian:trixie-slim"],
    ["a Bun app on musl", { ...bunManifest, target: "linux-x64-musl" }, "alpine:3.24"],
    ["Node 24", nodeOn("linux-x64-gnu", "24.21.0", 137), "node:24-bookworm-slim"],
    [
      "Node 26 for a newer glibc",
      needing("2.38", nodeOn("linux-arm64-gnu", "26.0.0", 147)),
      "node:26-trixie-slim",
    ],
    ["Node 22 on musl", nodeOn("linux-x64-musl", "22.23.4", 127), "node:22-alpine3.24"],
    ["Node 20 on musl", nodeOn("linux-x64-musl", "20.19.0", 115), "node:20-alpine3.23"],
  ])("for %s", (_, manifest, image) => {
    expect(chooseBases("multi-stage", manifest, undefined).base.image).toBe(image);
  });

  it.each([
    [115, "20.19.0", "3.20"],
    [127, "22.23.4", "3.22"],
    [137, "24.21.0", "3.24"],
  ])("for the distribution's Node of ABI %i", (abi, version, alpine) => {
    const manifest = nodeOn("linux-arm64-musl", version, abi);
    const bases = chooseBases("node-alpine", manifest, undefined);
    expect(bases.base.image).toBe(`alpine:${alpine}`);
    expect(bases.addon).toBe(`ghcr.io/home-assistant/base:${alpine}`);
    expect(render("node-alpine", manifest)).toHaveProperty("Dockerfile.aarch64");
  });

  it("is none where no stable Alpine has that Node; a named one is an add-on's too", () => {
    const manifest = nodeOn("linux-x64-musl", "26.0.0", 147);
    expect(() => chooseBases("node-alpine", manifest, undefined)).toThrow(/no stable Alpine .* Node 26/);
    expect(chooseBases("node-alpine", manifest, "example/node:1").addon).toBe("example/node:1");
  });

  it("of an add-on is the one that was named, when that is one; --pin pins it too", () => {
    const named = "ghcr.io/home-assistant/base:3.23-2026.05.0";
    const bases = chooseBases("node-alpine", nodeManifest, named);
    expect(bases.addon).toBe(named);
    expect(chooseBases("node-alpine", nodeManifest, "example/alpine:3.23").addon).toMatch(/base:3\.23$/);
    const digest = `sha256:${"c".repeat(64)}`;
    const pinned = pinBases(bases, new Map([[named, digest]]));
    const compose = "without compose";
    const files = renderImage({
      strategy: "node-alpine",
      manifest: nodeManifest,
      bases: pinned,
      release: "r",
      compose,
    });
    for (const name of ["Dockerfile", "Dockerfile.amd64"]) {
      expect(files[name]).toContain(`\nARG BUILD_FROM=${named}@${digest}\n`);
      expect(files[name]).toContain(`org.opencontainers.image.base.digest="${digest}"`);
      expect(files[name]).not.toContain("Not pinned");
    }
  });

  it("of a static-base image is a maintained one, and its builder is older", () => {
    const { base, builder } = chooseBases("static-base", bunManifest, undefined);
    expect([base.image, builder.image]).toEqual([
      "gcr.io/distroless/cc-debian13:nonroot",
      "debian:bookworm-slim",
    ]);
    const digests = new Map([
      [base.image, `sha256:${"a".repeat(64)}`],
      [builder.image, `sha256:${"b".repeat(64)}`],
    ]);
    const text =
      renderImage({
        strategy: "static-base",
        manifest: bunManifest,
        bases: pinBases(chooseBases("static-base", bunManifest, undefined), digests),
        release: "r",
        compose: "without compose",
      })["Dockerfile"] ?? "";
    expect(text).toContain(`ARG BASE=${base.image}@sha256:${"a".repeat(64)}\n`);
    expect(text).toContain(`ARG BUILDER=${builder.image}@sha256:${"b".repeat(64)}\n`);
  });
});

describe("the files beside the Dockerfile", () => {
  it(".dockerignore sends the release alone, without its modules, stamps and secrets", () => {
    const lines = (render("multi-stage")[".dockerignore"] ?? "").trim().split("\n").slice(1);
    expect(lines).toEqual([
      "*",
      "!releases/notes-v1.2.3-linux-x64",
      "releases/notes-v1.2.3-linux-x64/node_modules",
      "releases/notes-v1.2.3-linux-x64/.env",
    ]);
    expect(render("lazy")[".dockerignore"]).toContain("linux-x64/vendor\n");
  });

  it("compose.yaml keeps the state, and the modules of a lazy image", () => {
    const text = render("multi-stage")["compose.yaml"] ?? "";
    expect(text).toContain("\n    platform: linux/amd64\n");
    for (const line of ["init: true", "read_only: true", "- state:/var/lib/notes", "mem_limit: 512m"])
      expect(text).toContain(line);
    expect(text).not.toContain("modules");
    const service = { ...bunManifest.service!, memory: "1.5G" };
    const larger = render("multi-stage", { ...bunManifest, service })["compose.yaml"];
    expect(larger).toContain("\n    mem_limit: 1.5g\n");
    expect(render("lazy")["compose.yaml"]).toContain("- modules:/var/cache/notes");
  });

  it("the add-on runs under its base's own init, as root, with its data in /data", () => {
    const files = render("node-alpine");
    expect(files["config.yaml"]).toMatch(/^init: false$/m);
    expect(files["config.yaml"]).toMatch(/^watchdog: "http:\/\/\[HOST\]:\[PORT:8080\]\/health"$/m);
    expect(Object.keys(files)).not.toContain("build.yaml");
    const [own = "", addon = ""] = [files["Dockerfile"], files["Dockerfile.amd64"]];
    expect(own).toMatch(/^ARG BUILD_FROM=alpine:3\.24$/m);
    expect(own).toMatch(/^ARG RUN_AS=10001:0$/m);
    expect(addon).toMatch(/^ARG BUILD_FROM=ghcr\.io\/home-assistant\/base:3\.24$/m);
    expect(addon).toMatch(/^ARG RUN_AS=0:0$/m);
    expect(addon).toMatch(/^ENV HOME=\/data STATE_DIRECTORY=\/data$/m);
    expect(texts(addon, "WORKDIR")).toEqual(["/data"]);
    expect(brokenRules(addon)).toEqual([]);
    for (const text of [own, addon]) {
      expect(text).toMatch(/^RUN apk add --no-cache nodejs=~24$/m);
      expect(texts(text, "ENTRYPOINT")).toEqual([]);
      expect(texts(text, "ENV").join(" ")).toContain("S6_KEEP_ENV=1 S6_CMD_RECEIVE_SIGNALS=1");
    }
    expect(files["Dockerfile"]).not.toMatch(/edge\//);
  });
});

it("names and tags fit what registries take", () => {
  expect(imageTag({ name: "@Scope/My App", version: "1.2.3+build" })).toBe("scope-my-app:1.2.3_build");
  expect(imageTag({ name: "@scope/._notes..app-", version: "1.2.3" })).toBe("scope-notes-app:1.2.3");
});
