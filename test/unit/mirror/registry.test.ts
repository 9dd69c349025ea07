import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loginForRealm } from "../../../src/mirror/registry/realm.ts";
import { parseChallenge } from "../../../src/mirror/registry/registry.ts";
import {
  BUNDLE,
  describeBoth,
  expectBundle,
  expectFinding,
  SECRET,
  sendBundle,
  sha256,
} from "../../support/mirror/bench.ts";
import type { Handler } from "../../support/mirror/servers.ts";

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const MANIFEST_TEXT = JSON.stringify({
  schemaVersion: 2,
  mediaType: MANIFEST,
  artifactType: "application/vnd.gantry.bundle.v1",
  layers: [
    {
      mediaType: "application/vnd.gantry.bundle.layer.v1.tar+zstd",
      digest: `sha256:${sha256(BUNDLE)}`,
      size: BUNDLE.length,
    },
  ],
});

/** The part of a registry that a pull of `team/brain:1.0` needs; blobs are wherever `blobs` says. */
function registryOf(blobs: Handler): Handler {
  return (request, answer, count) => {
    if (request.url === "/v2/team/brain/manifests/1.0") {
      answer.setHeader("content-type", MANIFEST).end(MANIFEST_TEXT);
    } else if (request.url === `/v2/team/brain/blobs/sha256:${sha256(BUNDLE)}`) blobs(request, answer, count);
    else answer.writeHead(404).end();
  };
}

describeBoth("pulling from a registry", (bench) => {
  it("gets a token from the service that the registry names, for no redirect", async () => {
    const store = await bench.serve(sendBundle);
    const tokens = await bench.serve((_, answer) => {
      answer.setHeader("content-type", "application/json").end(JSON.stringify({ token: `${SECRET}-token` }));
    });
    const inner = registryOf((_, answer) => {
      answer.writeHead(307, { location: `http://127.0.0.1:${store.port}/blob` }).end();
    });
    const registry = await bench.serve((request, answer, count) => {
      if (request.headers.authorization === `Bearer ${SECRET}-token`) return inner(request, answer, count);
      const realm = `http://127.0.0.1:${tokens.port}/token`;
      const challenge = `Bearer realm="${realm}",service="reg",scope="repository:team/brain:pull"`;
      answer.writeHead(401, { "www-authenticate": challenge }).end();
    });
    expectBundle(await bench.run(`oci://me:${SECRET}@127.0.0.1:${registry.port}/team/brain:1.0`));
    const basic = `Basic ${Buffer.from(`me:${SECRET}`).toString("base64")}`;
    expect(tokens.seen.map(({ path, headers }) => [path, headers.authorization])).toEqual([
      ["/token?service=reg&scope=repository%3Ateam%2Fbrain%3Apull", basic],
    ]);
    expect(store.seen.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });

  it("gives no password to another host without a login of its own", async () => {
    const tokens = await bench.serve((request, answer) => {
      if (request.headers.authorization === undefined) return answer.writeHead(401).end();
      answer.setHeader("content-type", "application/json").end(JSON.stringify({ token: `${SECRET}-token` }));
    });
    const registry = await bench.serve((request, answer, count) => {
      if (request.headers.authorization === `Bearer ${SECRET}-token`) {
        return registryOf(sendBundle)(request, answer, count);
      }
      const challenge = `Bearer realm="http://localhost:${tokens.port}/token",service="reg"`;
      answer.writeHead(401, { "www-authenticate": challenge }).end();
    });
    const address = `oci://me:${SECRET}@127.0.0.1:${registry.port}/team/brain:1.0`;
    const netrc = join(bench.work, ".netrc");
    for (const text of [undefined, `default login me password ${SECRET}\n`]) {
      if (text !== undefined) writeFileSync(netrc, text, { mode: 0o600 });
      const outcome = await bench.run(address);
      const finding = expectFinding(outcome, "PERMISSION_DENIED", /no password goes to another host/);
      expect(finding?.fix).toMatch(/machine localhost login USER password PASSWORD$/);
    }
    expect(tokens.seen.map(({ headers }) => headers.authorization)).toEqual([undefined, undefined]);
    writeFileSync(netrc, `machine localhost login other password ${SECRET}\n`, { mode: 0o600 });
    expectBundle(await bench.run(address));
    rmSync(netrc);
    const named = Buffer.from(`other:${SECRET}`).toString("base64");
    expect(tokens.seen.at(-1)?.headers.authorization).toBe(`Basic ${named}`);
  });

  it("does not tell a store that it was redirected to who it is", async () => {
    const store = await bench.serve((_, answer) => {
      answer.writeHead(401, { "www-authenticate": "Basic" }).end();
    });
    const registry = await bench.serve(
      registryOf((_, answer) => {
        answer.writeHead(307, { location: `http://127.0.0.1:${store.port}/blob` }).end();
      }),
    );
    const outcome = await bench.run(`oci://me:${SECRET}@127.0.0.1:${registry.port}/team/brain:1.0`);
    expectFinding(outcome, "PERMISSION_DENIED", /^127\.0\.0\.1:\d+ does not accept the credentials/);
    expect(store.seen.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });

  it("goes on where a blob broke, and follows a moved tag to its own digest only", async () => {
    const registry = await bench.serve(
      registryOf((request, answer, count) => {
        if (count > 1) return sendBundle(request, answer, count);
        answer.writeHead(200, { "content-length": BUNDLE.length, etag: '"one"' });
        answer.write(BUNDLE.subarray(0, 100_000), () => setTimeout(() => answer.destroy(), 30));
      }),
    );
    const host = `127.0.0.1:${registry.port}`;
    expectBundle(await bench.run(`oci://${host}/team/brain:1.0`));
    expect(registry.seen.at(-1)?.headers.range).toBe("bytes=100000-");
    bench.clear();
    const wrong = { expected: { size: BUNDLE.length, sha256: "0".repeat(64) } };
    const outcome = await bench.run(`oci://${host}/team/brain:1.0`, wrong);
    const finding = expectFinding(outcome, "DIGEST_MISMATCH", /is not the one/);
    expect(finding?.detail).toEqual([
      `expected sha256:${"0".repeat(64)}`,
      `found    sha256:${sha256(BUNDLE)}`,
    ]);
    const none = await bench.run(`oci://${host}/team/brain:2.0`);
    expectFinding(none, "BUNDLE_MISSING", /has no such bundle/);
  });

  it("says that Docker's configuration cannot be read", async () => {
    const registry = await bench.serve(registryOf(sendBundle));
    writeFileSync(join(bench.work, "config.json"), "{");
    const environment = { DOCKER_CONFIG: bench.work };
    const outcome = await bench.run(`oci://127.0.0.1:${registry.port}/team/brain:1.0`, { environment });
    expectFinding(outcome, "CONFIG_INVALID", /^Docker's configuration is no JSON$/);
  });
});

const registryAt = (address: string) =>
  ({
    kind: "registry",
    origin: new URL(address),
    repository: "a",
    reference: "1",
    login: undefined,
  }) as const;

describe("loginForRealm", () => {
  const login = { user: "me", password: SECRET };
  it.each([
    ["https://registry-1.docker.io", "https://auth.docker.io/token", login],
    ["https://registry.gitlab.com", "https://gitlab.com/jwt/auth", login],
    ["https://ghcr.io", "https://ghcr.io/token", login],
    ["https://quay.io", "https://quay.io/v2/auth", login],
    ["https://registry.example", "https://auth.docker.io/token", undefined],
    ["https://registry-1.docker.io", "https://auth.docker.io.evil.example/token", undefined],
    ["https://registry-1.docker.io", "https://auth.docker.io:8443/token", undefined],
    ["https://registry.example", "https://auth.registry.example/token", undefined],
  ])("of %s for a token from %s", (registry, realm, expected) => {
    expect(loginForRealm(new URL(realm), login, registryAt(registry), {})).toEqual(expected);
  });
});

describe("parseChallenge", () => {
  it.each([
    [null, undefined],
    ["Negotiate", undefined],
    ['Basic realm="a, b"', { scheme: "basic", realm: "a, b", service: undefined, scope: undefined }],
    [
      'bearer realm="https://a/t",service=reg,scope="x:y:pull,push"',
      { scheme: "bearer", realm: "https://a/t", service: "reg", scope: "x:y:pull,push" },
    ],
  ])("reads %j", (header, challenge) => {
    expect(parseChallenge(header)).toEqual(challenge);
  });
});
