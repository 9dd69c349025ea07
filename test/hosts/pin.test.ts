/** `gantry docker --pin` against a registry as teams run one, and images built from what it wrote. */
import { mkdirSync, mkdtempSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { copyRelease } from "../support/app/release.ts";
import { must } from "../support/images/containers.ts";
import { HARSH, openImageBench, type ImageBench } from "../support/images/image-bench.ts";
import { startRegistry, type Registry } from "../support/hosts/registry.ts";
import { muslRoot, slimRoot } from "../support/roots/roots.ts";

let bench: ImageBench;
let registry: Registry;
let release = "";

beforeAll(async () => {
  bench = openImageBench();
  mkdirSync(join(bench.work, "registry"));
  registry = await startRegistry(join(bench.work, "registry"));
  release = copyRelease(bench.work, "vendored");
  bench.gantry("bundle", release, "--target", "linux-x64-gnu");
});
afterAll(async () => {
  await registry.stop();
  bench.dispose();
});

const podman = (...args: string[]) => must(bench.containers.podman(...args));
const push = (root: string, name: string) => {
  bench.containers.importBase(root, name);
  podman("push", "--quiet", "--tls-verify=false", name);
  podman("rmi", "--force", name);
};

/** The build context that the command wrote, with the digest that its Dockerfile begins from. */
function pin(base: string): { readonly context: string; readonly digest: string } {
  const context = mkdtempSync(join(bench.work, "context-"));
  bench.gantry("docker", release, "--strategy", "vendored", "--pin", "--base", base, "--out", context);
  const text = readFileSync(join(context, "Dockerfile"), "utf8");
  const [, digest = "none"] = new RegExp(`^ARG BASE=${base}@(sha256:[0-9a-f]{64})$`, "m").exec(text) ?? [];
  return { context, digest };
}

it("an image is built from the digest, also when the tag has moved on", () => {
  const base = `${registry.host}/team/base:1`;
  push(slimRoot(), base);
  const digest = registry.digestOf("team/base", "1");
  const pinned = pin(base);
  expect(pinned.digest).toBe(digest);
  // A base that the release cannot run on.
  push(muslRoot(), base);
  expect(registry.digestOf("team/base", "1")).not.toBe(digest);
  podman("pull", "--quiet", "--tls-verify=false", `${registry.host}/team/base@${digest}`);
  const tag = "localhost/pinned:1";
  must(bench.containers.build(pinned.context, { tag, network: "none" }));
  const shown = podman("image", "inspect", tag, "--format", "{{json .Config.Labels}}").stdout;
  expect(JSON.parse(shown)).toMatchObject({
    "org.opencontainers.image.base.name": base,
    "org.opencontainers.image.base.digest": digest,
  });
  expect(podman("run", "--rm", ...HARSH, tag, "--version").stdout).toBe("test-brain 0.1.0\n");
});

it("a tag with images for several platforms is pinned by its index", () => {
  const base = `${registry.host}/team/both:1`;
  podman("manifest", "create", "both");
  for (const arch of ["amd64", "arm64"]) {
    bench.containers.importBase(muslRoot(), `localhost/${arch}:1`);
    podman("manifest", "add", "--arch", arch, "both", `containers-storage:localhost/${arch}:1`);
  }
  podman("manifest", "push", "--quiet", "--all", "--tls-verify=false", "both", `docker://${base}`);
  const { digest } = pin(base);
  expect(digest).toBe(registry.digestOf("team/both", "1"));
  const hex = digest.replace("sha256:", "");
  const index = readFileSync(join(registry.data, "blobs/sha256", hex.slice(0, 2), hex, "data"), "utf8");
  expect((JSON.parse(index) as { manifests: unknown[] }).manifests).toHaveLength(2);
});
