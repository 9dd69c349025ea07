/**
 * Images of each strategy, built with buildah and run with podman on bases made from Debian's packages: as any user, on
 * a read-only root file system, without a network.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { copyRelease } from "../e2e/release.ts";
import { must, shellLessRoot, type Containers } from "./containers.ts";
import { edit, HARSH, openImageBench, type ImageBench } from "./image-bench.ts";
import { muslRoot, slimRoot } from "./roots.ts";
import { startContainer, type Container } from "./running.ts";

const SHELL_LESS = "gcr.io/distroless/cc-debian13:nonroot";
const MUSL = "docker.io/library/musl:1";

let work = "";
let bench: ImageBench;
let containers: Containers;
/** The sample as it was built, the same with its bundle, and a later build of it in which one line differs. */
const releases = { plain: "", vendored: "", changed: "" };

const otherWords = (app: string): void =>
  edit(join(app, "src/serve.ts"), "shown only this once", "shown just this once");
beforeAll(() => {
  bench = openImageBench();
  ({ work, containers } = bench);
  containers.importBase(slimRoot(), "docker.io/library/debian:bookworm-slim");
  releases.plain = copyRelease(work);
  releases.vendored = copyRelease(work, "vendored");
  bench.gantry("bundle", releases.vendored, "--target", "linux-x64-gnu");
  releases.changed = bench.buildApp("changed", "test-brain", otherWords);
});
afterAll(() => {
  bench.dispose();
});

const runHarshly = (...args: string[]) => containers.podman("run", "--rm", ...HARSH, ...args);
const start = (tag: string, ...flags: string[]) => startContainer(containers, tag, flags);

const firstProcess = (app: Container) => must(app.exec("cat", "/proc/1/comm")).stdout.trim();

const LISTENING = /^brain listening on http:\/\/127\.0\.0\.1:4680$/;
const TOKEN = /^brain: made a token, shown only this once: \S+$/;
const ENCRYPTION = /^brain: end-to-end encryption is off: /;

describe.each([
  ["multi-stage", "plain", "host"],
  ["runtime", "plain", "host"],
  ["vendored", "vendored", "none"],
  ["static-base", "vendored", "none"],
] as const)("%s", (strategy, from, network) => {
  const tag = `localhost/${strategy}:1`;

  beforeAll(() => {
    if (strategy === "static-base") containers.importBase(shellLessRoot(), SHELL_LESS);
    must(bench.build(releases[from], strategy, { tag, network }));
  });

  it("serves as any user, read-only and without a network; tells its health; ends when it is asked to", async () => {
    const app = await start(tag, ...HARSH);
    const lines = app.logs();
    expect(lines).toHaveLength(3);
    for (const event of [LISTENING, TOKEN, ENCRYPTION])
      expect(lines.filter((line) => event.test(line))).toHaveLength(1);
    expect(app.health()).toMatchObject({ code: 0 });
    const { code, seconds } = app.stop();
    expect(code).toBe("0");
    expect(seconds).toBeLessThan(8);
  });

  it("passes arguments on and keeps the exit status", () => {
    expect(runHarshly(tag, "--version")).toEqual({ code: 0, stdout: "test-brain 0.1.0\n", stderr: "" });
    expect(runHarshly("--env", "BRAIN_PORT=none", tag)).toMatchObject({ code: 78, stdout: "" });
    expect(runHarshly(tag, "never heard of")).toMatchObject({ code: 64 });
  });

  it("holds one tree, without what installed it", () => {
    const layers = containers.layers(tag).slice(1);
    const files = layers.flatMap((layer) => layer.files);
    const wrong = /(?:^|\/)(?:vendor|installer|layers|\.gantry-work-|\.bun|\.cache)|lock$/;
    expect(files.filter((file) => wrong.test(file.replace("bun.lock", "")))).toEqual([]);
    const added = layers.reduce((sum, { size }) => sum + size, 0);
    const manifest = JSON.parse(readFileSync(join(releases[from], "lib/release.json"), "utf8")) as Manifest;
    const modules = Object.values(manifest.modules).flatMap((module) => Object.values(module.files));
    const pruned = modules.reduce((sum, [size]) => sum + size, 0);
    expect(added).toBeLessThan(manifest.executable.size + pruned + 1_048_576);
  });
});

interface Manifest {
  readonly executable: { readonly size: number };
  readonly modules: Readonly<Record<string, { readonly files: Readonly<Record<string, [number, string]>> }>>;
}

describe("multi-stage", () => {
  const tag = "localhost/multi-stage:1";

  it("keeps what it stores in a volume, from one container to the next", async () => {
    const volume = ["--volume", "kept:/var/lib/brain"];
    expect(
      containers.podman("run", "--rm", ...HARSH, ...volume, tag, "add", "a note", "1,0,0,0"),
    ).toMatchObject({ code: 0 });
    const { stdout } = must(containers.podman("run", "--rm", ...HARSH, ...volume, tag, "search", "1,0,0,0"));
    expect(stdout).toContain("a note");
  });

  it("is process 1 itself, or the child of an init that reaps", async () => {
    const alone = await start(tag, ...HARSH);
    expect(firstProcess(alone)).toBe("brain");
    alone.stop();
    const under = await start(tag, ...HARSH, "--init");
    expect(firstProcess(under)).not.toBe("brain");
    // An orphan that ends is gone from the process table.
    must(under.exec("sh", "-c", "(sleep 0 & ) ; exit 0"));
    await sleep(500);
    const states = must(under.exec("sh", "-c", "cat /proc/[0-9]*/stat")).stdout;
    expect(states).not.toMatch(/ Z /);
    expect(under.stop().code).toBe("0");
  });

  it("is unhealthy when nobody listens", async () => {
    const app = await start(tag, ...HARSH);
    const elsewhere = app.exec("/opt/brain/gantry", "health", "--port", "9");
    expect(elsewhere).toMatchObject({ code: 69, stdout: "" });
    expect(elsewhere.stderr).toContain("SERVICE_UNHEALTHY");
    app.stop();
  });

  it("starts within limits, where this machine can set them", async ({ skip }) => {
    const limits = ["--cpus", "0.5", "--memory", "256m"];
    const probe = containers.podman(
      "run",
      "--rm",
      "--no-healthcheck",
      ...limits,
      "--entrypoint",
      "/bin/cat",
      tag,
      "/proc/self/cgroup",
    );
    if (probe.code !== 0) skip(`this machine's control groups take no limits: ${probe.stderr.trim()}`);
    const app = await start(tag, ...HARSH, ...limits);
    const script =
      "cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null; true";
    const { stdout } = must(app.exec("sh", "-c", script));
    expect(stdout).toContain("268435456");
    expect(app.stop().code).toBe("0");
  });

  it("a new version of the app ships the app's layers alone", () => {
    must(bench.build(releases.changed, "multi-stage", { tag: "localhost/changed:1" }));
    const before = new Set(containers.layers(tag).map(({ digest }) => digest));
    const after = containers.layers("localhost/changed:1");
    const shipped = after.filter(({ digest }) => !before.has(digest));
    expect(shipped.map(({ files }) => files.includes("opt/brain/lib/brain"))).toEqual([true, false]);
    expect(shipped.flatMap(({ files }) => files).filter((file) => file.endsWith(".node"))).toEqual([]);
    const { executable } = JSON.parse(
      readFileSync(join(releases.changed, "lib/release.json"), "utf8"),
    ) as Manifest;
    const bytes = shipped.reduce((sum, { size }) => sum + size, 0);
    expect(bytes - executable.size).toBeLessThan(1_048_576);
  });

  it("built twice with one timestamp has the same layers and settings", () => {
    const images = ["a", "b"].map((name) => {
      const twice = `localhost/twice-${name}:1`;
      const flags = ["--no-cache", "--timestamp", "1795000000"];
      must(bench.build(releases.plain, "multi-stage", { tag: twice, flags }));
      // All but buildah's history, in which the images in between have names of chance.
      const shown = "{{json .RootFS.Layers}} {{json .Config}} {{.Created}}";
      return must(containers.podman("image", "inspect", twice, "--format", shown)).stdout;
    });
    expect(images[1]).toBe(images[0]);
  });
});

describe("lazy", () => {
  const tag = "localhost/lazy:1";
  const certificates = process.env["NODE_EXTRA_CA_CERTS"];
  const network = [
    "--network",
    "host",
    ...(certificates === undefined
      ? []
      : ["--volume", `${certificates}:/ca.pem:ro`, "--env", "NODE_EXTRA_CA_CERTS=/ca.pem"]),
  ];
  const volume = ["--volume", "modules:/var/cache/brain"];
  const run = (...args: string[]) =>
    containers.podman("run", "--rm", "--no-healthcheck", "--read-only", ...volume, ...args);

  it("installs at the first start, into its volume, and needs no network from then on", () => {
    must(bench.build(releases.plain, "lazy", { tag }));
    const files = containers
      .layers(tag)
      .slice(1)
      .flatMap((layer) => layer.files);
    expect(files.filter((file) => file.includes("node_modules"))).toEqual([]);
    const without = run("--network", "none", "--env", "GANTRY_OFFLINE=1", tag, "--version");
    expect(without.code).not.toBe(0);
    expect(without.stderr).toContain("BUNDLE_MISSING");
    const first = run(...network, tag, "--version");
    expect(first).toMatchObject({ code: 0, stdout: "test-brain 0.1.0\n" });
    expect(first.stderr).toContain("installing");
    const second = run("--network", "none", tag, "--version");
    expect(second).toEqual({ code: 0, stdout: "test-brain 0.1.0\n", stderr: "" });
  });
});

describe("the wrong base", () => {
  it.each(["multi-stage", "vendored", "lazy"])(
    "fails the build of a %s image, with what to take",
    (strategy) => {
      containers.importBase(muslRoot(), MUSL);
      const tag = "localhost/never:1";
      const said = bench.refuse(releases.vendored, strategy, { tag, network: "none" }, "--base", MUSL);
      expect(said).toContain("LIBC_MISMATCH");
      expect(said).toContain("take the release test-brain-v0.1.0-linux-x64-musl");
      expect(containers.podman("image", "exists", tag).code).toBe(1);
    },
  );
});

describe("a musl release", () => {
  let release = "";
  beforeAll(() => {
    release = bench.buildApp("musl", "test-brain", () => {}, "--target", "linux-x64-musl", "--vendor");
  });

  it("fails the build on a glibc base, with what to take", () => {
    const debian = ["--base", "debian:bookworm-slim"];
    const said = bench.refuse(release, "vendored", { tag: "localhost/never:1", network: "none" }, ...debian);
    expect(said).toMatch(/LIBC_MISMATCH[^]*take the release \S+-linux-x64\b(?!-)/);
  });
});
