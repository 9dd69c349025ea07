/**
 * The four ways in which people ship, on two architectures and two runtimes: sixteen cells, and in each of them a sample
 * really runs, stores, finds again and refuses a stranger: samples.ts. The suite runs a part of them. One `gantry build` for each runtime makes the
 * releases of all its cells.
 *
 * A server has a network: a release for Bun that carries no bundle installs from the registry there; one for Node always
 * brings its bundle. An air-gapped server has nothing but a loopback. Images are built without a network from the bundle,
 * and run as any user, read-only. glibc hosts and Debian images run the Node that comes with the release, Alpine's their
 * own. What is for arm64 runs by qemu-user: servers in a chroot, images by the same buildah and podman as x64's, in a user
 * namespace where qemu is registered. Alpine is played by busybox and musl (roots.ts, arm64-roots.ts, node-roots.ts).
 */
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { partOf } from "../support/wide-table.ts";
import { arm64Obstacle, openArm64Machine, type Arm64Machine } from "../support/roots/arm64-machine.ts";
import { arm64MuslNodeRoot, arm64MuslRoot, arm64Root, enterEmulated } from "../support/roots/arm64-roots.ts";
import { must, openContainers, withApk, type Containers } from "../support/images/containers.ts";
import { HARSH } from "../support/images/image-bench.ts";
import { MUSL_NODE_MAJOR, muslNodeRoot } from "../support/roots/node-roots.ts";
import { enter, muslCppRoot, slimRoot } from "../support/roots/roots.ts";
import { startContainer } from "../support/images/running.ts";
import { askCommand, buildSample, PATIENT, SAMPLES } from "../support/hosts/samples.ts";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const obstacle = arm64Obstacle();

const ARCHITECTURES = ["x64", "arm64"] as const;
const RUNTIMES = ["bun", "node"] as const;
type Architecture = (typeof ARCHITECTURES)[number];
type Runtime = (typeof RUNTIMES)[number];

const TARGETS = ["linux-x64-gnu", "linux-x64-musl", "linux-arm64-gnu", "linux-arm64-musl"];

let work = "";
let machine: Arm64Machine | undefined;
const builders: Partial<Record<Architecture, Containers>> = {};

const gantry = (...args: string[]) =>
  execFileSync(process.execPath, [join(repository, "dist/cli.js"), ...args], { cwd: work, stdio: "pipe" });

beforeAll(async () => {
  if (obstacle === undefined) machine = await openArm64Machine();
  work = mkdtempSync(join(tmpdir(), "gantry-everywhere-"));
  chmodSync(work, 0o755);
  for (const runtime of RUNTIMES) buildSample(runtime, work, TARGETS);
  const certificates = process.env["NODE_EXTRA_CA_CERTS"];
  mkdirSync(join(work, "network"));
  if (certificates !== undefined) cpSync(certificates, join(work, "network/ca.pem"));
});
afterAll(() => {
  for (const containers of Object.values(builders)) containers.dispose();
  machine?.dispose();
  rmSync(work, { recursive: true, force: true });
});

const releaseOf = (runtime: Runtime, suffix: string): string =>
  join(work, runtime, `${SAMPLES[runtime].release}-linux-${suffix}`);

/** Starts the app, waits for it, asks for its health by the release's own command, then all else; ends it. */
const SERVE = `
cd /tmp
/opt/release/$0 >out 2>err &
pid=$!
tries=0
until [ -s out ] || ! kill -0 $pid 2>/dev/null || [ "$tries" -gt 1500 ]; do
  tries=$((tries + 1))
  sleep 0.2
done
/opt/release/gantry health --port $PORT
"$@"
kill $pid
wait $pid
echo "ended with $?"
cat out
cat err >&2
`;

async function serve(architecture: Architecture, runtime: Runtime, network: "host" | "loopback") {
  const own = mkdtempSync(join(work, "server-"));
  chmodSync(own, 0o755);
  const release = join(own, "release");
  execFileSync("cp", ["-al", releaseOf(runtime, architecture), release]);
  if (network === "host" && runtime === "bun") rmSync(join(release, "vendor"), { recursive: true });
  const registry = process.env["npm_config_registry"];
  const port = await freePort();
  const sample = SAMPLES[runtime];
  const env = {
    ...sample.env,
    PORT: String(port),
    NODE_EXTRA_CA_CERTS: "/network/ca.pem",
    ...(registry === undefined ? {} : { GANTRY_REGISTRY: registry }),
  };
  const options = { mounts: { "/opt/release": release, "/network": join(work, "network") }, env, network };
  const ask = askCommand(runtime, "/opt/release", port, "gnu");
  const command = ["/bin/sh", "-c", SERVE, sample.binary, ...ask];
  const result =
    architecture === "x64"
      ? enter(slimRoot(), command, options)
      : enterEmulated(arm64Root(), command, options);
  rmSync(own, { recursive: true });
  return result;
}

/** The host's network is everybody's. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const MUSL_NODE = "docker.io/library/musl-node:1";

/** The bases of images by C library, and of Alpine by what runs the app. */
const BASES = {
  debian: { x64: slimRoot, arm64: arm64Root },
  bun: {
    x64: () => withApk("musl-cpp-alpine", muslCppRoot()),
    arm64: () => withApk("arm64-musl-cpp-alpine", arm64MuslRoot()),
  },
  node: {
    x64: () => withApk("musl-node-alpine", muslNodeRoot()),
    arm64: () => withApk("arm64-musl-node-alpine", arm64MuslNodeRoot()),
  },
} as const;

function buildImage(architecture: Architecture, runtime: Runtime, system: "debian" | "alpine") {
  const inside = architecture === "x64" ? [] : machine?.inside;
  const containers = (builders[architecture] ??= openContainers(inside));
  const tag = `localhost/${runtime}-${system}:1`;
  const context = mkdtempSync(join(work, "context-"));
  const release = releaseOf(runtime, system === "alpine" ? `${architecture}-musl` : architecture);
  // No stable Alpine is known to have the Node that plays its part here: its base is named.
  const alpineNode = system === "alpine" && runtime === "node";
  const how = alpineNode ? ["node-alpine", "--base", MUSL_NODE] : ["multi-stage"];
  gantry("docker", release, "--out", context, "--strategy", ...how);
  const [, base = ""] =
    /^ARG (?:BASE|BUILD_FROM)=(\S+)$/m.exec(readFileSync(join(context, "Dockerfile"), "utf8")) ?? [];
  if (containers.podman("image", "exists", base).code !== 0) {
    const root = BASES[system === "alpine" ? runtime : system][architecture]();
    const name = base.startsWith("docker.io/") ? base : `docker.io/library/${base}`;
    containers.importBase(root, name, architecture === "x64" ? "amd64" : "arm64");
  }
  must(containers.build(context, { tag, network: "none" }));
  rmSync(context, { recursive: true });
  return { containers, tag };
}

const cells = (ways: readonly string[]) =>
  ways.flatMap((way) =>
    ARCHITECTURES.flatMap((architecture) => RUNTIMES.map((runtime) => [way, architecture, runtime] as const)),
  );
const emulated = (architecture: Architecture): string | undefined =>
  architecture === "arm64" ? obstacle : undefined;

describe("a release runs on a", () => {
  it.for(partOf("servers", cells(["server", "air-gapped server"]), 3))(
    "%s, %s, %s",
    PATIENT,
    async (cell, { skip }) => {
      const [way, architecture, runtime] = cell;
      const missing = emulated(architecture);
      if (missing !== undefined) skip(`arm64 programs do not run here: ${missing}`);
      const network = way === "server" ? "host" : "loopback";
      const { code, stdout, stderr } = await serve(architecture, runtime, network);
      const lines = stdout.trimEnd().split("\n");
      expect([code, ...lines]).toEqual([
        0,
        expect.stringMatching(/\/health answered 200$/),
        `${runtime} ${architecture}`,
        ...SAMPLES[runtime].answers,
        "ended with 0",
        expect.stringContaining(`${SAMPLES[runtime].binary} listening on http://127.0.0.1:`),
      ]);
      const bundle = `from vendor/linux-${architecture}-gnu.tar.`;
      expect(stderr).toContain(way === "server" && runtime === "bun" ? "from the registry" : bundle);
    },
  );
});

describe("a release makes a", () => {
  it.for(partOf("images", cells(["Debian image", "Alpine image"]), 2))(
    "%s, %s, %s",
    PATIENT,
    async (cell, { skip }) => {
      const [way, architecture, runtime] = cell;
      const missing = emulated(architecture);
      if (missing !== undefined) skip(`arm64 programs do not run here: ${missing}`);
      const alpine = way === "Alpine image";
      const { containers, tag } = buildImage(architecture, runtime, alpine ? "alpine" : "debian");
      const { binary, port, env, answers } = SAMPLES[runtime];
      const variables = Object.entries(env).flatMap(([name, value]) => ["--env", `${name}=${value}`]);
      const app = await startContainer(containers, tag, [...HARSH, ...variables]);
      const ask = askCommand(runtime, `/opt/${binary}`, port, alpine ? "musl" : "gnu");
      const { stdout } = must(app.exec(...ask));
      expect(stdout.trimEnd().split("\n")).toEqual([`${runtime} ${architecture}`, ...answers]);
      const packages = runtime === "node" ? `nodejs=~${MUSL_NODE_MAJOR}` : "libgcc libstdc++";
      if (alpine) must(app.exec("grep", "-qx", packages, "/added"));
      expect(app.stop().code).toBe("0");
    },
  );
});
