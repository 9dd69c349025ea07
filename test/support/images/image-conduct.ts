/**
 * How an image has to behave, whatever its strategy and whatever runs in it. All is seen from outside, because in some
 * there is nothing but the app.
 */
import { existsSync, readFileSync, readlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { expect } from "vitest";
import { must, type BuildOptions, type Containers, type Layer } from "./containers.ts";
import { HARSH, type ImageBench } from "./image-bench.ts";
import { startContainer } from "./running.ts";

export interface Subject {
  readonly tag: string;
  /** The app's own name: of its directory, its volume and its user. */
  readonly binary: string;
  /** What process 1 runs. */
  readonly program: string;
  /** One for each event of a start. */
  readonly lines: readonly RegExp[];
  /** For `podman run`, beside the harsh ones. */
  readonly flags?: readonly string[];
  /** A file that a start leaves in its state directory. */
  readonly kept: string;
}

const MEMORY = 256 * 2 ** 20;
export const LIMITS = ["--cpus", "0.5", "--memory", String(MEMORY)];

/** Why this machine's control groups take no limits, if they do not. */
export function limitsObstacle(containers: Containers, tag: string): string | undefined {
  const { code, stderr } = containers.podman("run", "--rm", ...HARSH, ...LIMITS, tag, "cat", "/proc/1/comm");
  // podman's own failures; whatever else the command ended with, it was run (podman-run(1), exit status).
  return code === 125 || code === 126 || code === 127 ? stderr.trim() : undefined;
}

/**
 * Starts it as any user, read-only, without a network, within limits where there can be some, and with a volume; asks
 * for its health, ends it, and starts it again on what it left.
 */
export async function expectService(containers: Containers, image: Subject): Promise<void> {
  const { tag, binary, flags = [] } = image;
  const limits = limitsObstacle(containers, tag) === undefined ? LIMITS : [];
  const volume = `state-of-${tag.replaceAll(/[^a-z0-9]/g, "-")}`;
  const all = [...HARSH, ...limits, "--volume", `${volume}:/var/lib/${binary}`, ...flags];
  const app = await startContainer(containers, tag, all);
  const lines = app.logs();
  expect(lines).toHaveLength(image.lines.length);
  for (const event of image.lines) expect(lines.filter((line) => event.test(line))).toHaveLength(1);
  const [uid, program, memory] = readProcess(app.pid());
  expect([uid, program]).toEqual(["123456", image.program]);
  if (limits.length > 0) expect(memory).toBe(MEMORY);
  expect(app.health()).toMatchObject({ code: 0 });
  const elsewhere = app.health("--port", "9");
  expect(elsewhere).toMatchObject({ code: 69, stdout: "" });
  expect(elsewhere.stderr).toContain("SERVICE_UNHEALTHY");
  const { code, seconds } = app.stop();
  expect(code).toBe("0");
  expect(seconds).toBeLessThan(8);
  const { stdout } = must(containers.podman("volume", "inspect", volume, "--format", "{{.Mountpoint}}"));
  expect(existsSync(join(stdout.trim(), image.kept))).toBe(true);
  const again = await startContainer(containers, tag, all);
  expect(again.stop().code).toBe("0");
}

function readProcess(pid: string): [uid: string, program: string, memory: number | undefined] {
  const [, uid = ""] = /^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return [uid, basename(readlinkSync(`/proc/${pid}/exe`)), readMemoryLimit(pid)];
}

/** cgroups(7): a line of version 1 names its controllers, the one of version 2 none. */
function readMemoryLimit(pid: string): number | undefined {
  const files = readFileSync(`/proc/${pid}/cgroup`, "utf8")
    .split("\n")
    .map((line) => {
      const [, controllers = "", path = ""] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
      if (controllers === "memory") return `/sys/fs/cgroup/memory${path}/memory.limit_in_bytes`;
      return controllers === "" ? `/sys/fs/cgroup${path}/memory.max` : "";
    });
  const file = files.find((name) => existsSync(name));
  return file === undefined ? undefined : Number(readFileSync(file, "utf8"));
}

/** What is set for whoever runs it without flags. */
export function expectSettings({ podman }: Containers, { tag, binary }: Subject, version: string): void {
  const shown = must(podman("image", "inspect", tag, "--format", "{{json .Config}}")).stdout;
  const config = JSON.parse(shown) as Record<string, unknown>;
  expect(config).toMatchObject({ User: "10001:0", StopSignal: "SIGTERM", WorkingDir: `/var/lib/${binary}` });
  expect(config["Volumes"]).toHaveProperty([`/var/lib/${binary}`]);
  const labels = config["Labels"] as Record<string, string>;
  expect(labels["org.opencontainers.image.title"]).toBe(`test-${binary}`);
  expect(labels["org.opencontainers.image.version"]).toBe(version);
  for (const name of ["description", "base.name"])
    expect(labels[`org.opencontainers.image.${name}`]).not.toBe("");
}

/** What a registry that has the one image is sent for the other. */
export function newLayers(containers: Containers, had: string, tag: string): readonly Layer[] {
  const before = new Set(containers.layers(had).map(({ digest }) => digest));
  return containers.layers(tag).filter(({ digest }) => !before.has(digest));
}

export const bytesOf = (layers: readonly Layer[]): number =>
  layers.reduce((total, { size }) => total + size, 0);

interface Manifest {
  readonly executable?: { readonly size: number };
  readonly modules: Readonly<Record<string, { readonly files: Readonly<Record<string, [number, string]>> }>>;
}

/** Bytes of a release's program, and of the files of its modules. */
export function weigh(release: string): { readonly program: number; readonly modules: number } {
  const manifest = JSON.parse(readFileSync(join(release, "lib/release.json"), "utf8")) as Manifest;
  const files = Object.values(manifest.modules).flatMap((module) => Object.values(module.files));
  return {
    program: manifest.executable?.size ?? 0,
    modules: files.reduce((total, [size]) => total + size, 0),
  };
}

/** Builds it twice from nothing with one time. */
export function expectSameTwice(
  { containers, build }: ImageBench,
  [release, strategy, options, ...flags]: readonly [string, string, BuildOptions, ...string[]],
): void {
  const images = ["a", "b"].map((name) => {
    const tag = `localhost/twice-${strategy}-${name}:1`;
    const how = { ...options, tag, flags: ["--no-cache", "--timestamp", "1795000000"] };
    must(build(release, strategy, how, ...flags));
    // All but buildah's history, in which the images in between have names of chance.
    const shown = "{{json .RootFS.Layers}} {{json .Config}} {{.Created}}";
    return must(containers.podman("image", "inspect", tag, "--format", shown)).stdout;
  });
  expect(images[1]).toBe(images[0]);
}
