import { describe, expect, it } from "vitest";
import { imageTag, renderImage } from "../../../../src/build/docker/render.ts";
import { chooseBases, STRATEGIES, type Strategy } from "../../../../src/build/docker/strategy.ts";
import type { Manifest } from "../../../../src/release/manifest.ts";
import { brokenRules, parseDockerfile } from "./dockerfile-rules.ts";
import { bunManifest, nodeManifest } from "./manifests.ts";

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

  it("starts the app as process 1, as nobody's uid in the root group, and stops it by SIGTERM", () => {
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
    expect(dockerfile(strategy)).toMatch(/Not pinned: .* names the digest for --base/);
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
  it("gets an Alpine that has the C++ library", () => {
    const text = dockerfile("multi-stage", { ...bunManifest, target: "linux-x64-musl" });
    expect(text).toMatch(/^ARG BASE=alpine:3\.\d+$/m);
    expect(text).toMatch(/^RUN .*\bapk add --no-cache libgcc libstdc\+\+;/m);
  });
});

describe("the files beside the Dockerfile", () => {
  it(".dockerignore sends the release alone, without what a start made in it or its secrets", () => {
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
    expect(render("lazy")["compose.yaml"]).toContain("- modules:/var/cache/notes");
  });

  it("the add-on runs under its base's own init, as root, with its data in /data", () => {
    const files = render("node-alpine");
    expect(files["config.yaml"]).toMatch(/^init: false$/m);
    expect(files["config.yaml"]).toMatch(/^ {2}STATE_DIRECTORY: \/data$/m);
    expect(files["config.yaml"]).toMatch(/^watchdog: "http:\/\/\[HOST\]:\[PORT:8080\]\/health"$/m);
    expect(files["build.yaml"]).toMatch(/^ {2}amd64: \S+amd64-base:3\.23\n/m);
    expect(files["build.yaml"]).toMatch(/RUN_AS: "0:0"/);
    expect(files["Dockerfile"]).toMatch(/^ARG BUILD_FROM=alpine:3\.23$/m);
    expect(files["Dockerfile"]).toMatch(/^RUN apk add --no-cache nodejs=~24$/m);
    expect(files["Dockerfile"]).not.toMatch(/edge\//);
  });
});

it("names and tags fit what registries take", () => {
  expect(imageTag({ name: "@Scope/My App", version: "1.2.3+build" })).toBe("scope-my-app:1.2.3_build");
});
