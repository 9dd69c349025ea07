/** `gantry docker --pin`: the base's digest from a registry on loopback, into the files of the image. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { writeImageFiles } from "../../../../src/build/docker/docker.ts";
import { readBaseDigests } from "../../../../src/build/docker/pin.ts";
import type { Strategy } from "../../../../src/build/docker/strategy.ts";
import { GantryError } from "../../../../src/base/errors.ts";
import { formatManifest } from "../../../../src/release/manifest.ts";
import { LIMITS } from "../../../support/mirror/bench.ts";
import { startProxy, startServer, type TestServer } from "../../../support/mirror/servers.ts";
import { bunManifest } from "../../../support/build/manifests.ts";
import { SCRATCH } from "../../../support/build/scratch.ts";

const INDEX = "application/vnd.oci.image.index.v1+json";
const FOR_AMD64 = indexFor("amd64");
const DIGEST = `sha256:${createHash("sha256").update(FOR_AMD64).digest("hex")}`;

let work = "";
let release = "";
let registry: TestServer;
let host = "";

function indexFor(architecture: string): string {
  const one = { mediaType: "application/vnd.oci.image.manifest.v1+json", digest: `sha256:${"1".repeat(64)}` };
  const manifests = [{ ...one, size: 1, platform: { os: "linux", architecture } }];
  return JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests });
}

beforeEach(async () => {
  work = mkdtempSync(join(tmpdir(), "gantry-pin-"));
  release = join(work, "notes-v1.2.3-linux-x64");
  mkdirSync(join(release, "lib"), { recursive: true });
  writeFileSync(join(release, "lib/release.json"), formatManifest(bunManifest));
  registry = await startServer((request, answer) => {
    if (request.url === "/v2/base/manifests/1") answer.setHeader("content-type", INDEX).end(FOR_AMD64);
    else if (request.url === "/v2/arm/manifests/1")
      answer.setHeader("content-type", INDEX).end(indexFor("arm64"));
    else answer.writeHead(404).end();
  });
  host = `127.0.0.1:${registry.port}`;
});
afterEach(async () => {
  await registry.close();
  rmSync(work, { recursive: true, force: true });
});

/** What the command does. */
async function pin(base: string, strategy: Strategy = "multi-stage", environment = {}) {
  const image = { path: release, strategy, base };
  const asked = { environment: { HOME: work, ...environment }, debug: () => undefined, limits: LIMITS };
  const digests = await readBaseDigests({ ...image, ...asked, signal: new AbortController().signal });
  return writeImageFiles({ ...image, digests, compose: "without compose", scratch: SCRATCH });
}
const refusal = async (...options: Parameters<typeof pin>) => {
  const error: unknown = await pin(...options).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(existsSync(join(work, "Dockerfile"))).toBe(false);
  if (!(error instanceof GantryError)) throw new Error(`no refusal: ${String(error)}`);
  return error.findings[0];
};

it("names the base by tag and digest, and says so in the image's labels", async () => {
  const written = await pin(`${host}/base:1`);
  expect(written).toMatchObject({ pinned: true, base: `${host}/base:1@${DIGEST}` });
  const text = readFileSync(join(work, "Dockerfile"), "utf8");
  expect(text).toContain(`\nARG BASE=${host}/base:1@${DIGEST}\n`);
  expect(text).toContain(`org.opencontainers.image.base.digest="${DIGEST}"`);
  expect(text).toContain(`org.opencontainers.image.base.name="${host}/base:1"`);
  expect(text).not.toContain("Not pinned");
});

it("leaves a digest that was named as it is, and asks nobody", async () => {
  const digest = `sha256:${"a".repeat(64)}`;
  await pin(`${host}/base:1@${digest}`);
  expect(readFileSync(join(work, "Dockerfile"), "utf8")).toContain(`\nARG BASE=${host}/base:1@${digest}\n`);
  expect(registry.seen).toEqual([]);
});

it("writes nothing when the registry has no such image, or one for other processors", async () => {
  expect(await refusal(`${host}/none:1`)).toMatchObject({ code: "USAGE" });
  expect(await refusal(`${host}/arm:1`)).toMatchObject({
    code: "USAGE",
    what: `${host}/arm:1 is not made for linux/amd64, which the release is for`,
    detail: ["it is made for linux/arm64"],
  });
});

it("refuses what the strategy is not for before it asks", async () => {
  expect(await refusal(`${host}/base:1`, "node-alpine")).toMatchObject({ code: "USAGE" });
  expect(registry.seen).toEqual([]);
});

it("asks for the stage that builds a static-base image as well, at Docker Hub", async () => {
  const proxy = await startProxy("me:password");
  try {
    const environment = { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` };
    const finding = await refusal(`${host}/base:1`, "static-base", environment);
    expect(finding).toMatchObject({ code: "PERMISSION_DENIED" });
    expect(finding?.what).toMatch(/^the proxy 127\.0\.0\.1:\d+ wants credentials/);
    expect(registry.seen).toHaveLength(1);
    expect(proxy.seen.map(({ path }) => path)).toEqual(["registry-1.docker.io:443"]);
  } finally {
    await proxy.close();
  }
});
