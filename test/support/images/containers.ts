/**
 * Container images without a registry: buildah and podman with a store of their own outside the repository, and bases
 * made from root file systems. runc, because crun refuses some machines' control groups; cgroupfs and files for events,
 * because no systemd runs here. Everything is removed again by dispose().
 */
import { execFileSync, spawnSync, type SpawnSyncReturns } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { debianRoot, ensureRoot, hostsCache } from "../roots/roots.ts";

const DRIVER = ["--storage-driver", process.env["GANTRY_TEST_STORAGE_DRIVER"] ?? "overlay"];

export interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface BuildOptions {
  readonly tag: string;
  readonly flags?: readonly string[];
  /** Build arguments. */
  readonly args?: Readonly<Record<string, string>>;
  /** This machine's, or none at all. */
  readonly network?: "host" | "none";
}

export interface Layer {
  /** Of the uncompressed layer. */
  readonly digest: string;
  /** Bytes of the layer's tar. */
  readonly size: number;
  readonly files: readonly string[];
  /** All entries with owners, modes, sizes and times, without the places where buildah mounted something. */
  readonly listing: string;
}

export interface Containers {
  /** Makes a base image of a root file system; for x64 when no architecture is given. */
  importBase(root: string, name: string, architecture?: "amd64" | "arm64"): void;
  build(context: string, options: BuildOptions): Result;
  podman(...args: readonly string[]): Result;
  /** The layers of an image, its base's first. */
  layers(tag: string): readonly Layer[];
  dispose(): void;
}

const CONTAINERS_CONF = `[containers]
default_ulimits = ["nofile=1024:4096", "nproc=8192:8192"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
`;

/** @param inside what each command line begins with, to be run on another machine than this */
export function openContainers(inside: readonly string[] = []): Containers {
  mkdirSync(hostsCache, { recursive: true });
  const directory = mkdtempSync(join(hostsCache, "containers-"));
  // podman takes no longer path than 50 characters for it, and the cache may lie anywhere.
  const running = mkdtempSync("/run/gantry-");
  const place = ["--root", join(directory, "store"), "--runroot", running, ...DRIVER];
  const engine = ["--cgroup-manager", "cgroupfs", "--events-backend", "file", "--runtime", "runc"];
  writeFileSync(join(directory, "containers.conf"), CONTAINERS_CONF);
  writeFileSync(join(directory, "registries.conf"), 'unqualified-search-registries = ["docker.io"]\n');
  const env = {
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    HOME: directory,
    TMPDIR: directory,
    CONTAINERS_CONF: join(directory, "containers.conf"),
    CONTAINERS_REGISTRIES_CONF: join(directory, "registries.conf"),
  };
  const run = (command: string, args: readonly string[]): Result => {
    const [program = "", ...words] = [...inside, command, ...args];
    return resultOf(spawnSync(program, words, { encoding: "utf8", env, maxBuffer: 1 << 28 }));
  };
  const podman = (...args: readonly string[]) => run("podman", [...place, ...engine, ...args]);
  const known = new Map<string, readonly Layer[]>();
  return {
    podman,
    importBase: (root, name, architecture = "amd64") => {
      const tar = join(directory, "base.tar");
      must(run("tar", ["-C", root, "-cf", tar, "."]));
      must(podman("import", "-q", "--arch", architecture, "-c", 'CMD ["sh"]', tar, name));
      rmSync(tar);
    },
    build: (context, options) => {
      const command = ["buildah", ...place, "bud", ...buildArguments(context, options)];
      return options.network === "none" ? run("unshare", ["--net", ...command]) : run("env", command);
    },
    layers: (tag) => {
      const { stdout } = must(podman("image", "inspect", tag, "--format", "{{json .RootFS.Layers}}"));
      const layers = known.get(stdout) ?? readLayers(directory, podman, run, [tag, stdout]);
      known.set(stdout, layers);
      return layers;
    },
    dispose: () => {
      podman("rm", "--all", "--force", "--time", "0");
      podman("volume", "rm", "--all", "--force");
      podman("rmi", "--all", "--force");
      run("umount", [join(directory, "store/overlay")]);
      for (const made of [directory, running]) rmSync(made, { recursive: true, force: true });
    },
  };
}

/** With this machine's certificates and registry, which a build from a registry has to be able to use. */
function buildArguments(context: string, { tag, flags = [], args = {} }: BuildOptions): string[] {
  const certificates = process.env["NODE_EXTRA_CA_CERTS"];
  const registry = process.env["npm_config_registry"];
  const all = {
    ...(registry === undefined ? {} : { GANTRY_REGISTRY: registry }),
    ...(certificates === undefined ? {} : { NODE_EXTRA_CA_CERTS: "/run/certificates.pem" }),
    ...args,
  };
  return [
    "--quiet",
    "--layers",
    "--pull-never",
    "--isolation=chroot",
    "--network=host",
    "--format=docker",
    ...(certificates === undefined ? [] : ["--volume", `${certificates}:/run/certificates.pem:ro`]),
    ...Object.entries(all).flatMap(([name, value]) => ["--build-arg", `${name}=${value}`]),
    ...flags,
    "--tag",
    tag,
    context,
  ];
}

/** BuildKit leaves no such places behind. */
const MOUNTED = / (?:etc\/(?:hosts)?|run\/(?:certificates\.pem)?|\.wh\.mnt)$/;

function readLayers(
  directory: string,
  podman: Containers["podman"],
  run: (command: string, args: readonly string[]) => Result,
  [tag, digests]: readonly [tag: string, digests: string],
): Layer[] {
  const saved = join(directory, "saved");
  must(podman("save", "--quiet", "--format", "docker-dir", "--output", saved, tag));
  try {
    return (JSON.parse(digests) as string[]).map((digest) => {
      const file = join(saved, digest.replace("sha256:", ""));
      const listed = must(run("tar", ["-tf", file])).stdout.split("\n");
      const size = Number(must(run("stat", ["-c", "%s", file])).stdout);
      const long = must(run("tar", ["--full-time", "-tvf", file])).stdout.split("\n");
      const listing = long.filter((line) => !MOUNTED.test(line)).join("\n");
      return { digest, size, files: listed.filter((path) => path !== "" && !path.endsWith("/")), listing };
    });
  } finally {
    rmSync(saved, { recursive: true, force: true });
  }
}

function resultOf({ status, stdout, stderr, error }: SpawnSyncReturns<string>): Result {
  if (error !== undefined) throw error;
  return { code: status, stdout, stderr };
}

export function must(result: Result): Result {
  if (result.code !== 0) throw new Error(`exit ${result.code}: ${result.stderr}${result.stdout}`);
  return result;
}

/** What a distroless base holds of Debian 13, and nothing that could run a script. */
export function shellLessRoot(): string {
  const base = debianRoot("trixie");
  return ensureRoot("trixie-without-shell", (directory) => {
    for (const path of ["tmp", "etc", "var/lib", "opt"])
      mkdirSync(join(directory, path), { recursive: true });
    const names = ["c", "m", "dl", "pthread", "rt"].map((name) => `lib${name}.so.*`);
    const files = [...names, "libgcc_s.so.1", "libstdc++.so.6*", "ld-linux-x86-64.so.2"];
    const paths = files.map((name) => `usr/lib/x86_64-linux-gnu/${name}`).join(" ");
    const script = `cd ${base} && cp -a --parents lib lib64 usr/lib64 etc/os-release usr/lib/os-release ${paths} ${directory}`;
    execFileSync("sh", ["-c", script]);
    writeFileSync(join(directory, "etc/passwd"), "root:x:0:0:root:/root:/none\n");
  });
}

/** Notes what it is asked to add, all of which is there already. */
const APK = '#!/bin/sh\n[ "$1 $2" = "add --no-cache" ] || exit 64\nshift 2\necho "$@" >>/added\n';

/** The root file system with Alpine's package manager, which has nothing left to do, and musl's ldd, which packages read. */
export function withApk(name: string, base: string): string {
  return ensureRoot(name, (directory) => {
    execFileSync("cp", ["-a", `${base}/.`, directory]);
    mkdirSync(join(directory, "sbin"), { recursive: true });
    writeFileSync(join(directory, "sbin/apk"), APK, { mode: 0o755 });
    mkdirSync(join(directory, "usr/bin"), { recursive: true });
    const ldd = '#!/bin/sh\nexec /lib/ld-musl-*.so.1 --list -- "$@"\n';
    writeFileSync(join(directory, "usr/bin/ldd"), ldd, { mode: 0o755 });
  });
}
