/** What a tag stands for, asked of real servers on loopback; the build side runs under Node alone. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { GantryError } from "../../../src/base/errors.ts";
import { fetchImage, parseImageAddress } from "../../../src/mirror/registry/image.ts";
import { LIMITS, SECRET, sha256 } from "../../support/mirror/bench.ts";
import { startServer, unusedPort, type Handler, type TestServer } from "../../support/mirror/servers.ts";

const INDEX = "application/vnd.oci.image.index.v1+json";
const DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json";
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";

const entry = (os: string, architecture: string) => ({
  mediaType: MANIFEST,
  digest: `sha256:${"1".repeat(64)}`,
  size: 1,
  platform: { os, architecture },
});
// Laid out as nobody's serializer does it: the digest is of these bytes, not of what they mean.
const indexText = (mediaType: string) =>
  `${JSON.stringify({ schemaVersion: 2, mediaType, manifests: [entry("linux", "amd64"), entry("linux", "arm64"), entry("unknown", "unknown")] }, undefined, 3)}\n`;
const manifestText = (mediaType: string) => JSON.stringify({ schemaVersion: 2, mediaType, layers: [] });

let work = "";
let server: TestServer | undefined;
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), "gantry-image-"));
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  rmSync(work, { recursive: true, force: true });
});

const said: string[] = [];
const ask = (name: string, environment: Record<string, string> = {}) =>
  fetchImage(name, {
    environment: { HOME: work, ...environment },
    debug: (text) => said.push(text),
    signal: new AbortController().signal,
    limits: { ...LIMITS, retries: 1 },
  });
const serve = async (handler: Handler): Promise<string> => {
  server = await startServer(handler);
  return `127.0.0.1:${server.port}`;
};
const refusal = async (name: string, environment?: Record<string, string>) => {
  const error: unknown = await ask(name, environment).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof GantryError)) throw new Error(`no refusal: ${String(error)}`);
  expect(JSON.stringify([error.findings, said])).not.toContain(SECRET);
  return error.findings[0];
};

describe("the digest of a tag", () => {
  it.each([
    [INDEX, indexText(INDEX), ["linux/amd64", "linux/arm64"]],
    [DOCKER_INDEX, indexText(DOCKER_INDEX), ["linux/amd64", "linux/arm64"]],
    [MANIFEST, manifestText(MANIFEST), undefined],
    [DOCKER_MANIFEST, manifestText(DOCKER_MANIFEST), undefined],
  ])("is that of the bytes of its %s", async (type, text, platforms) => {
    const host = await serve((request, answer) => {
      if (request.url !== "/v2/team/base/manifests/1.2") return answer.writeHead(404).end();
      const digest = `sha256:${sha256(Buffer.from(text))}`;
      answer.setHeader("content-type", type).setHeader("docker-content-digest", digest).end(text);
    });
    const digest = `sha256:${sha256(Buffer.from(text))}`;
    expect(await ask(`${host}/team/base:1.2`)).toEqual({ digest, platforms });
    const accepted = server?.seen[0]?.headers.accept?.split(", ").toSorted();
    expect(accepted).toEqual([INDEX, DOCKER_INDEX, MANIFEST, DOCKER_MANIFEST].toSorted());
  });

  it("is not the registry's word for other bytes", async () => {
    const host = await serve((_, answer) => {
      const headers = { "content-type": INDEX, "docker-content-digest": `sha256:${"0".repeat(64)}` };
      answer.writeHead(200, headers).end(indexText(INDEX));
    });
    expect(await refusal(`${host}/base:1`)).toMatchObject({
      code: "DIGEST_MISMATCH",
      detail: [
        `expected sha256:${"0".repeat(64)}`,
        `found    sha256:${sha256(Buffer.from(indexText(INDEX)))}`,
      ],
    });
  });

  it("is asked again when the registry is busy", async () => {
    const host = await serve((_, answer, count) => {
      if (count === 1) answer.writeHead(503).end();
      else answer.setHeader("content-type", MANIFEST).end(manifestText(MANIFEST));
    });
    expect(await ask(`${host}/base:1`)).toMatchObject({ platforms: undefined });
  });
});

/** A registry with tokens: one image is anybody's, the other somebody's. */
const guarded: Handler = (request, answer) => {
  const { authorization } = request.headers;
  if (request.url?.startsWith("/token") === true) {
    const token = authorization === undefined ? "anybody" : "somebody";
    answer.setHeader("content-type", "application/json").end(JSON.stringify({ token }));
    return;
  }
  const wanted = request.url === "/v2/private/manifests/1" ? "Bearer somebody" : "Bearer anybody";
  if (authorization === wanted) {
    answer.setHeader("content-type", MANIFEST).end(manifestText(MANIFEST));
    return;
  }
  const realm = `http://${request.headers.host ?? ""}/token`;
  const challenge = `Bearer realm="${realm}",service="reg",scope="repository:x:pull"`;
  answer.writeHead(401, { "www-authenticate": challenge }).end();
};

describe("a login", () => {
  it("is not needed for what anybody may have, and a mirror's token stays away from it", async () => {
    const host = await serve(guarded);
    await ask(`${host}/public:1`, { GANTRY_TOKEN: SECRET });
    const sent = server?.seen.map(({ headers }) => headers.authorization);
    expect(sent).toEqual([undefined, undefined, "Bearer anybody"]);
  });

  it("comes from Docker's configuration", async () => {
    const host = await serve(guarded);
    const auth = Buffer.from(`me:${SECRET}`).toString("base64");
    writeFileSync(join(work, "config.json"), JSON.stringify({ auths: { [host]: { auth } } }));
    await ask(`${host}/private:1`, { DOCKER_CONFIG: work });
    expect(server?.seen[1]?.headers.authorization).toBe(`Basic ${auth}`);
  });

  it("is asked for in words that fit an image", async () => {
    const host = await serve(guarded);
    const finding = await refusal(`${host}/private:1`);
    expect(finding).toMatchObject({ code: "PERMISSION_DENIED", what: `${host} wants credentials` });
    expect(finding?.fix).toMatch(/^check the name: .* do not exist, too\. .*--base .*@sha256:/);
    writeFileSync(join(work, "config.json"), JSON.stringify({ auths: {}, credsStore: "desktop" }));
    const helper = await refusal(`${host}/private:1`, { DOCKER_CONFIG: work });
    expect(helper?.what).toMatch(/is in the credential helper desktop/);
    expect(helper?.fix).toBe(finding?.fix);
  });
});

describe("what is no image", () => {
  it("is not there", async () => {
    const host = await serve((_, answer) => answer.writeHead(404).end());
    expect(await refusal(`${host}/base:1`)).toMatchObject({
      code: "USAGE",
      what: `${host} has no image ${host}/base:1`,
    });
  });

  it.each([
    ["text/html", "<html>Please sign in</html>", "it is no JSON"],
    [
      "application/vnd.docker.distribution.manifest.v1+prettyjws",
      '{"schemaVersion":1}',
      "it is application/vnd.docker.distribution.manifest.v1+prettyjws",
    ],
  ])("is %s", async (type, text, detail) => {
    const host = await serve((_, answer) => answer.setHeader("content-type", type).end(text));
    expect(await refusal(`${host}/base:1`)).toMatchObject({ code: "NETWORK_FAILED", detail: [detail] });
  });

  it("has a registry that does not answer", async () => {
    const host = `127.0.0.1:${await unusedPort()}`;
    expect(await refusal(`${host}/base:1`)).toMatchObject({
      code: "NETWORK_FAILED",
      what: `${host} refuses connections`,
    });
  });
});

describe("where an image is", () => {
  it.each([
    ["debian:bookworm-slim", "https://registry-1.docker.io", "library/debian", "bookworm-slim"],
    ["team/base:1", "https://registry-1.docker.io", "team/base", "1"],
    ["docker.io/node:24-alpine3.24", "https://registry-1.docker.io", "library/node", "24-alpine3.24"],
    ["gcr.io/distroless/cc-debian13:nonroot", "https://gcr.io", "distroless/cc-debian13", "nonroot"],
    ["localhost/base:1", "http://localhost", "base", "1"],
    ["localhost:5000/a/b:1", "http://localhost:5000", "a/b", "1"],
    ["registry.example:5000/base:1", "https://registry.example:5000", "base", "1"],
  ])("%s", (name, origin, repository, reference) => {
    const address = parseImageAddress(name);
    expect({ ...address, origin: address.origin.origin }).toMatchObject({ origin, repository, reference });
  });

  it("knows what Docker calls its own registry", () => {
    expect(parseImageAddress("debian:12").loginHost).toBe("index.docker.io");
    expect(parseImageAddress("gcr.io/a:1").loginHost).toBeUndefined();
  });

  it.each(["gcr.io/Team/base:1", "registry.example/base"])("%s is nowhere", (name) => {
    expect(() => parseImageAddress(name)).toThrow(GantryError);
  });
});
