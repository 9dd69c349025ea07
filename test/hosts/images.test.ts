/**
 * Images of each strategy, built with buildah and run with podman on bases made from Debian's packages: as any user, on
 * a read-only root file system, without a network.
 */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { partOf } from "../support/wide-table.ts";
import { copyRelease } from "../support/app/release.ts";
import { must, shellLessRoot, type Containers } from "../support/images/containers.ts";
import { edit, HARSH, openImageBench, type ImageBench } from "../support/images/image-bench.ts";
import {
  bytesOf,
  expectSameTwice,
  expectService,
  expectSettings,
  LIMITS,
  limitsObstacle,
  newLayers,
  weigh,
} from "../support/images/image-conduct.ts";
import { muslRoot, slimRoot } from "../support/roots/roots.ts";
import { startContainer } from "../support/images/running.ts";

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
  releases.changed = bench.buildApp("changed", "test-brain", otherWords, "--vendor");
});
afterAll(() => {
  bench.dispose();
});

const LINES = [
  /^brain listening on http:\/\/127\.0\.0\.1:4680$/,
  /^brain: made a token, shown only this once: \S+$/,
  /^brain: end-to-end encryption is off: /,
];

/** For a lazy image: where its modules stay, and how its first start gets them. */
const MODULES = ["--volume", "modules:/var/cache/brain"];
const OWN_MODULES = ["--volume", "own-modules:/var/cache/brain"];
const certificates = process.env["NODE_EXTRA_CA_CERTS"];
const REGISTRY = [
  "--network=host",
  ...(certificates === undefined
    ? []
    : ["--volume", `${certificates}:/ca.pem:ro`, "--env", "NODE_EXTRA_CA_CERTS=/ca.pem"]),
];
const STRATEGIES = ["multi-stage", "runtime", "vendored", "static-base", "lazy"] as const;
/** Those of which a new version is built. */
const CHANGED: ReadonlySet<string> = new Set(partOf("new versions", STRATEGIES, 2));
const OWN_USER = ["--no-healthcheck", "--network=none", "--read-only", "--cap-drop=all"];

describe.each([
  ["multi-stage", "plain", "host"],
  ["runtime", "plain", "host"],
  ["vendored", "vendored", "none"],
  ["static-base", "vendored", "none"],
  ["lazy", "plain", "none"],
] as const)("%s", (strategy, from, network) => {
  const tag = `localhost/${strategy}:1`;
  const flags = strategy === "lazy" ? MODULES : [];
  const subject = { tag, binary: "brain", program: "brain", lines: LINES, flags, kept: "brain.db" };
  const run = (...args: string[]) => containers.podman("run", "--rm", ...HARSH, ...flags, ...args);

  beforeAll(() => {
    if (strategy === "static-base") containers.importBase(shellLessRoot(), SHELL_LESS);
    must(bench.build(releases[from], strategy, { tag, network }));
    if (strategy === "lazy") fillVolume(tag);
  });

  it("serves as any user, read-only, limited, without network; tells health; stops", () =>
    expectService(containers, subject));

  it("passes arguments on and keeps the exit status", () => {
    expect(run(tag, "--version")).toEqual({ code: 0, stdout: "test-brain 0.1.0\n", stderr: "" });
    expect(run("--env", "BRAIN_PORT=none", tag)).toMatchObject({ code: 78, stdout: "" });
    expect(run(tag, "never heard of")).toMatchObject({ code: 64 });
  });

  it("has a user of its own, who keeps what is stored in a volume, and says what it is", () => {
    expectSettings(containers, subject, "0.1.0");
    const modules = strategy === "lazy" ? OWN_MODULES : [];
    const state = ["--volume", `own-${strategy}:/var/lib/brain`];
    const own = ["run", "--rm", ...OWN_USER, ...modules, ...state, tag];
    must(containers.podman(...own, "add", "a note", "1,0,0,0"));
    expect(must(containers.podman(...own, "search", "1,0,0,0")).stdout).toContain("a note");
  });

  it("holds one tree, without what installed it", () => {
    const layers = containers.layers(tag).slice(1);
    const files = layers.flatMap((layer) => layer.files);
    const wrong = /(?:^|\/)(?:vendor|installer|layers|\.gantry-work-|\.bun|\.cache)|lock$/;
    expect(files.filter((file) => wrong.test(file.replace("bun.lock", "")))).toEqual([]);
    const { program, modules } = weigh(releases[from]);
    expect(bytesOf(layers)).toBeLessThan(program + (strategy === "lazy" ? 0 : modules) + 1_048_576);
  });

  if (!CHANGED.has(strategy)) return;

  it("a new version ships the app alone, also from a machine that built nothing", () => {
    const changed = `localhost/changed-${strategy}:1`;
    must(bench.build(releases.changed, strategy, { tag: changed, network, flags: ["--no-cache"] }));
    const before = new Set(containers.layers(tag).map(({ listing }) => listing));
    const shipped = newLayers(containers, tag, changed).filter(
      // Beside a layer that installs, buildah notes where it mounted something.
      ({ listing }) => strategy !== "runtime" || !before.has(listing),
    );
    const files = shipped.flatMap((layer) => layer.files);
    expect(files).toContain("opt/brain/lib/brain");
    expect(files.filter((file) => file.endsWith(".node"))).toEqual([]);
    expect(bytesOf(shipped) - weigh(releases.changed).program).toBeLessThan(1_048_576);
  });
});

// A vendored image is made by the instructions of a multi-stage one.
const TWICE = [
  ["multi-stage", "plain", "host"],
  ["runtime", "plain", "host"],
  ["static-base", "vendored", "none"],
  ["lazy", "plain", "none"],
] as const;
it.each(partOf("built twice", TWICE, 2))(
  "%s built twice with one timestamp has the same layers and settings",
  (strategy, from, network) => expectSameTwice(bench, [releases[from], strategy, { tag: "", network }]),
);

/** The first start of any user, and that of its own, each with a volume: what one installed no other may change. */
function fillVolume(tag: string): void {
  const files = containers.layers(tag).slice(1);
  expect(files.flatMap((layer) => layer.files).filter((file) => file.includes("node_modules"))).toEqual([]);
  const any = [
    "run",
    "--rm",
    "--no-healthcheck",
    "--read-only",
    "--user=123456:0",
    "--cap-drop=all",
    ...MODULES,
  ];
  const offline = ["--network=none", "--env", "GANTRY_OFFLINE=1"];
  const without = containers.podman(...any, ...offline, tag, "--version");
  expect(without.code).not.toBe(0);
  expect(without.stderr).toContain("BUNDLE_MISSING");
  const first = containers.podman(...any, ...REGISTRY, tag, "--version");
  expect(first).toMatchObject({ code: 0, stdout: "test-brain 0.1.0\n" });
  expect(first.stderr).toContain("installing");
  must(containers.podman("run", "--rm", "--no-healthcheck", ...OWN_MODULES, ...REGISTRY, tag, "--version"));
}

describe("multi-stage", () => {
  const tag = "localhost/multi-stage:1";

  it("is process 1 itself, or the child of an init that reaps", async () => {
    const under = await startContainer(containers, tag, [...HARSH, "--init"]);
    expect(must(under.exec("cat", "/proc/1/comm")).stdout).not.toBe("brain\n");
    // An orphan that ends is gone from the process table.
    must(under.exec("sh", "-c", "(sleep 0 & ) ; exit 0"));
    await sleep(500);
    const states = must(under.exec("sh", "-c", "cat /proc/[0-9]*/stat")).stdout;
    expect(states).not.toMatch(/ Z /);
    expect(under.stop().code).toBe("0");
  });

  it("runs within limits, where this machine can set them", ({ skip }) => {
    const obstacle = limitsObstacle(containers, tag);
    if (obstacle !== undefined) skip(`this machine's control groups take no limits: ${obstacle}`);
    const script = "cat /sys/fs/cgroup/cpu.max /sys/fs/cgroup/cpu/cpu.cfs_quota_us 2>/dev/null; true";
    const run = ["run", "--rm", ...HARSH, ...LIMITS, "--entrypoint", "/bin/sh", tag, "-c", script];
    expect(must(containers.podman(...run)).stdout).toContain("50000");
  });
});

describe("the wrong base", () => {
  it.each(["multi-stage", "runtime", "vendored", "lazy"])(
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
