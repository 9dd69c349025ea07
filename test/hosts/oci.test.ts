/** Bundles in a registry as teams run one: Debian's docker-registry, with and without a login. */
import { execFileSync, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { GantryError } from "../../src/base/errors.ts";
import { fetchBundle, fetchSignature } from "../../src/mirror/fetch.ts";
import { pushBundles } from "../../src/mirror/registry/upload-artifacts.ts";
import { LIMITS } from "../../src/mirror/http/request.ts";
import { bundleOf, sha256 } from "../support/mirror/bench.ts";
import { startRegistry, type Registry } from "../support/hosts/registry.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const X64 = bundleOf("1.0.0", "linux-x64-gnu");
const ARM64 = bundleOf("1.0.0", "linux-arm64-gnu");
const NEWER = bundleOf("2.0.0", "linux-x64-gnu");
const SIGNATURE = "untrusted comment: signature\nRUQ=\ntrusted comment: x\nAAAA\n";
const limits = { ...LIMITS, retries: 2, delay: 10 };
const PASSWORD = "pa:ss@w0rd";

let work: string;
let registry: Registry;
let host: string;
let said: string[];

/** @param auth lines of the registry's configuration */
async function open(auth: string): Promise<void> {
  registry = await startRegistry(work, auth);
  ({ host } = registry);
}

function write(name: string, bytes: Buffer | string): string {
  const path = join(work, name);
  writeFileSync(path, bytes);
  return path;
}

/** Where the registry keeps what has this digest. */
const blob = (hex: string) => join(registry.data, "blobs/sha256", hex.slice(0, 2), hex, "data");

const environment = (more: Record<string, string> = {}) => ({ HOME: work, ...more });

function push(files: readonly string[], address: string, signature?: string): Promise<string> {
  return pushBundles({
    files: files.map((file) => ({ file, signature })),
    address,
    environment: environment(),
    say: (text) => said.push(text),
    debug: (text) => said.push(text),
    signal: new AbortController().signal,
    limits,
  });
}

function source(address: string, target: string, more?: Record<string, string>) {
  const reporter = { progress: () => undefined, debug: (text: string) => said.push(text) };
  const { signal } = new AbortController();
  return { address, target, environment: environment(more), reporter, signal, limits };
}

async function pull(
  address: string,
  bytes: Buffer,
  target = "linux-x64-gnu",
  more?: Record<string, string>,
): Promise<Buffer> {
  const into = join(work, randomBytes(6).toString("hex"));
  const expected = { size: bytes.length, sha256: sha256(bytes) };
  await fetchBundle({ ...source(address, target, more), expected, into, checkHead: () => undefined });
  return readFileSync(into);
}

async function refusal(attempt: Promise<unknown>) {
  const error: unknown = await attempt.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof GantryError)) throw new Error(`no refusal: ${String(error)}`);
  expect(JSON.stringify([error.findings, said])).not.toContain(PASSWORD);
  return error.findings[0];
}

beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), "gantry-oci-"));
  said = [];
});
afterEach(async () => {
  await registry.stop();
  rmSync(work, { recursive: true, force: true });
});

describe("a registry without a login", () => {
  beforeEach(() => open(""));

  it("gives back what was pushed, with its signature, by tag and by digest", async () => {
    const file = write("a.tar.zst", X64);
    const digest = await push([file], `oci://${host}/team/brain:1.0`, SIGNATURE);
    const raw = await fetch(`http://${host}/v2/team/brain/manifests/${digest}`, {
      headers: { accept: "application/vnd.oci.image.manifest.v1+json" },
    });
    expect(await raw.json()).toMatchObject({
      artifactType: "application/vnd.gantry.bundle.v1",
      layers: [
        {
          mediaType: "application/vnd.gantry.bundle.layer.v1.tar+zstd",
          digest: `sha256:${sha256(X64)}`,
          size: X64.length,
        },
      ],
      annotations: {
        "vnd.gantry.name": "brain",
        "vnd.gantry.version": "1.0.0",
        "vnd.gantry.target": "linux-x64-gnu",
      },
    });
    for (const address of [`oci://${host}/team/brain:1.0`, `oci://${host}/team/brain@${digest}`]) {
      expect((await pull(address, X64)).equals(X64)).toBe(true);
      expect(await fetchSignature(source(address, "linux-x64-gnu"))).toBe(SIGNATURE);
    }
  });

  it("holds several targets under one tag, and drops those of an older release", async () => {
    const address = `oci://${host}/brain:latest`;
    await push([write("x", X64)], address);
    await push([write("a", ARM64)], address);
    expect((await pull(address, X64)).equals(X64)).toBe(true);
    expect((await pull(address, ARM64, "linux-arm64-gnu")).equals(ARM64)).toBe(true);
    expect(await fetchSignature(source(address, "linux-arm64-gnu"))).toBeUndefined();
    expect(await refusal(pull(address, X64, "linux-x64-musl"))).toMatchObject({
      code: "BUNDLE_MISSING",
      what: "the registry has no bundle for linux-x64-musl there, only for linux-arm64-gnu, linux-x64-gnu",
    });
    // Nothing is sent twice.
    said = [];
    await push([write("x", X64), write("a", ARM64)], address);
    expect(said.filter((line) => line.startsWith("was there"))).toHaveLength(2);

    await push([write("n", NEWER)], address);
    expect((await pull(address, NEWER)).equals(NEWER)).toBe(true);
    expect(await refusal(pull(address, X64))).toMatchObject({
      code: "DIGEST_MISMATCH",
      detail: [`expected sha256:${sha256(X64)}`, `found    sha256:${sha256(NEWER)}`],
    });
  });

  it("is not believed when its disk changed", async () => {
    const address = `oci://${host}/brain:1.0`;
    const digest = await push([write("x", X64)], address);
    const hex = sha256(X64);
    const altered = Buffer.from(X64);
    altered[200_000] = (altered[200_000] ?? 0) ^ 1;
    writeFileSync(blob(hex), altered);
    expect(await refusal(pull(address, X64))).toMatchObject({
      code: "DIGEST_MISMATCH",
      detail: [`expected sha256:${hex}`, `found    sha256:${sha256(altered)}`],
    });
    const manifest = blob(digest.slice("sha256:".length));
    writeFileSync(manifest, readFileSync(manifest, "utf8").replace("linux-x64-gnu", "linux-x64-GNU"));
    for (const named of [address, `oci://${host}/brain@${digest}`]) {
      expect(await refusal(pull(named, X64))).toMatchObject({
        code: "DIGEST_MISMATCH",
        what: "the registry serves a manifest that does not have the digest it is named by",
      });
    }
  });

  it("keeps what is not gantry's", async () => {
    const empty = "{}";
    const digest = `sha256:${sha256(Buffer.from(empty))}`;
    const begun = await fetch(`http://${host}/v2/other/blobs/uploads/`, { method: "POST" });
    const location = new URL(begun.headers.get("location") ?? "", `http://${host}`);
    location.searchParams.set("digest", digest);
    await fetch(location, { method: "PUT", body: empty });
    const type = "application/vnd.oci.image.manifest.v1+json";
    const config = { mediaType: "application/vnd.oci.image.config.v1+json", digest, size: empty.length };
    const manifest = JSON.stringify({ schemaVersion: 2, mediaType: type, config, layers: [] });
    const url = `http://${host}/v2/other/manifests/1`;
    const put = await fetch(url, { method: "PUT", body: manifest, headers: { "content-type": type } });
    expect(put.status).toBe(201);

    const address = `oci://${host}/other:1`;
    const file = write("x", X64);
    expect(await refusal(push([file], address))).toMatchObject({
      code: "CONFIG_INVALID",
      what: "the tag holds something that is no bundle of gantry's",
    });
    expect(await (await fetch(url, { headers: { accept: type } })).text()).toBe(manifest);
    expect(await refusal(pull(address, X64))).toMatchObject({ code: "BUNDLE_MISSING" });
    expect(await refusal(pull(`oci://${host}/none:1`, X64))).toMatchObject({ code: "BUNDLE_MISSING" });
    expect(await refusal(push([write("y", "hello")], address))).toMatchObject({
      code: "CONFIG_INVALID",
      what: "that is no bundle of gantry's",
    });
  });
});

function gantry(...args: string[]) {
  return spawnSync(process.execPath, [join(ROOT, "dist/cli.js"), ...args], { cwd: work, encoding: "utf8" });
}

describe("gantry bundle --push", () => {
  beforeEach(() => open(""));

  it("leaves the release as it is, and takes its signature along", async () => {
    const bun = join(ROOT, "node_modules/bun/bin/bun.exe");
    const app = join(ROOT, "test/fixtures/apps/natives-bun");
    const built = gantry(
      "build",
      app,
      "--no-archive",
      "--no-smoke",
      "--bun",
      bun,
      "--out",
      "out",
      "--vendor",
    );
    const release = built.stdout.split("\n")[0] ?? "";
    expect(gantry("keygen", "--secret", "gantry.key", "--public", "gantry.pub").status).toBe(0);
    expect(gantry("sign", release, "--secret", "gantry.key").status).toBe(0);
    const before = readSums(release);

    const address = `oci://${host}/natives:1.2.0`;
    const pushed = gantry("bundle", release, "--target", "linux-x64-gnu,linux-x64-musl", "--push", address);
    expect(pushed.stdout).toMatch(/^sha256:[0-9a-f]{64}\n$/);
    expect(readSums(release)).toBe(before);
    const vendored = join(release, "vendor/linux-x64-gnu.tar.zst");
    const bytes = readFileSync(vendored);
    expect(
      (await pull(`${address.replace(":1.2.0", "")}@${pushed.stdout.trim()}`, bytes)).equals(bytes),
    ).toBe(true);
    const signature = readFileSync(`${vendored}.minisig`, "utf8");
    expect(await fetchSignature(source(address, "linux-x64-gnu"))).toBe(signature);
    expect(await fetchSignature(source(address, "linux-x64-musl"))).toBeUndefined();
  });

  it("refuses an address before it makes anything for it", () => {
    for (const address of ["https://registry.example/a:1", `oci://${host}/a@sha256:${"0".repeat(64)}`]) {
      const refused = gantry("bundle", ".", "--push", address);
      expect(refused.status).toBe(78);
      expect(refused.stderr).toContain("CONFIG_INVALID: bundles are pushed to a registry, under a tag");
    }
  });
});

/** Every file of a directory with its digest, by sha256sum's judgement. */
function readSums(directory: string): string {
  const script = "find . -type f -print0 | sort -z | xargs -0 sha256sum";
  return execFileSync("sh", ["-c", script], { cwd: directory, encoding: "utf8" });
}

describe("a registry with a login", () => {
  beforeEach(async () => {
    const line = execFileSync("htpasswd", ["-Bbn", "me", PASSWORD], { encoding: "utf8" });
    await open(`auth:\n  htpasswd:\n    realm: test\n    path: ${write("htpasswd", line)}\n`);
  });

  it("takes the login from the address, Docker's configuration or a netrc", async () => {
    const file = write("x", X64);
    const plain = `oci://${host}/brain:1.0`;
    expect(await refusal(push([file], plain))).toMatchObject({ code: "PERMISSION_DENIED" });
    const named = `oci://me:${encodeURIComponent(PASSWORD)}@${host}/brain:1.0`;
    await push([file], named);
    expect((await pull(named, X64)).equals(X64)).toBe(true);
    expect(await refusal(pull(plain, X64))).toMatchObject({
      code: "PERMISSION_DENIED",
      what: `${host} wants credentials`,
    });
    expect(await refusal(pull(`oci://me:wrong@${host}/brain:1.0`, X64))).toMatchObject({
      code: "PERMISSION_DENIED",
      what: `${host} does not accept the credentials that it got`,
    });

    const docker = join(work, "docker");
    mkdirSync(docker);
    const configure = (content: unknown) => write("docker/config.json", JSON.stringify(content));
    const DOCKER_CONFIG = docker;
    configure({ auths: { [host]: { auth: Buffer.from(`me:${PASSWORD}`).toString("base64") } } });
    expect((await pull(plain, X64, undefined, { DOCKER_CONFIG })).equals(X64)).toBe(true);
    configure({ auths: { [host]: {} }, credsStore: "desktop" });
    expect(await refusal(pull(plain, X64, undefined, { DOCKER_CONFIG }))).toMatchObject({
      code: "PERMISSION_DENIED",
      what: `Docker's login for ${host} is in the credential helper desktop, which gantry does not use`,
    });

    const NETRC = join(work, "netrc");
    writeFileSync(NETRC, `machine 127.0.0.1 login me password ${PASSWORD}\n`, { mode: 0o600 });
    expect((await pull(plain, X64, undefined, { NETRC })).equals(X64)).toBe(true);
  });
});
