/** A release that takes its modules from a mirror: a web server on loopback that holds the bundle. */
import {
  createReadStream,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { keygen } from "../../../src/build/sign/keys.ts";
import { signFile } from "../../../src/build/sign/sign.ts";
import { expectRefusal } from "../../support/launcher/fixture.ts";
import { readTree } from "../../support/launcher/fixture-bundle.ts";
import { useFixture } from "../../support/launcher/use-fixture.ts";

const fixture = useFixture();
let root = "";
let server: Server;
let url = "";
let asked: string[] = [];
/** Serves the directory that the fixture's bundle lies in. */
beforeEach(async () => {
  asked = [];
  server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    const file = join(fixture.bundle, "..", basename(request.url ?? ""));
    if (!existsSync(file)) return void response.writeHead(404).end("nothing here");
    response.writeHead(200, { "content-length": statSync(file).size });
    return void createReadStream(file).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/${basename(fixture.bundle)}`;
});
afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
});

const gantry = (args: readonly string[], environment: Readonly<Record<string, string>> = {}) =>
  fixture.launch(root, args, environment);

it("ends in the same tree as the registry, and asks only once for what it needs", async () => {
  root = fixture.make();
  const first = await gantry(["start"], { GANTRY_REGISTRY: fixture.registry.url });
  expect(first).toMatchObject({ code: 0 });
  const expected = readTree(root);
  rmSync(root, { recursive: true });
  root = fixture.make();
  const run = await gantry(["start"], { GANTRY_BUNDLE: url.replace("//", "//me:secret@") });
  expect(run).toMatchObject({ code: 0, stdout: "" });
  expect(run.stderr).not.toContain("secret");
  expect(readTree(root)).toEqual(expected);
  expect(asked).toEqual([`GET /${basename(fixture.bundle)}`]);
  expect(readdirSync(root).filter((name) => name.startsWith(".gantry"))).toEqual([]);
});

it("is refused where the network is, and when it holds something else", async () => {
  root = fixture.make();
  const offline = { GANTRY_OFFLINE: "1" };
  expectRefusal(
    await gantry(["prepare", "--from", url], offline),
    "BUNDLE_MISSING",
    /GANTRY_OFFLINE=1 forbids the network/,
  );
  expectRefusal(await gantry(["prepare", "--offline", "--from", url]), "BUNDLE_MISSING", /--offline forbids/);
  expect(asked).toEqual([]);
  expectRefusal(await gantry(["prepare", "--from", `${url}.old`]), "BUNDLE_MISSING", /404/);
  expectRefusal(await gantry(["prepare", "--from", "ftp://host/bundle"]), "CONFIG_INVALID", /ftp/);
  expect(existsSync(join(root, "node_modules"))).toBe(false);
});

it("has to bring the signature where a key is pinned", async () => {
  const keys = mkdtempSync(join(tmpdir(), "gantry-keys-"));
  const secretKeyFile = join(keys, "k.key");
  const signature = `${fixture.bundle}.minisig`;
  try {
    const { publicKey } = await keygen({
      publicKeyFile: join(keys, "k.pub"),
      secretKeyFile,
      password: undefined,
    });
    root = fixture.make({ manifest: (manifest) => ({ ...manifest, publicKey }) });
    expectRefusal(
      await gantry(["prepare", "--from", url]),
      "SIGNATURE_INVALID",
      /the bundle has no signature/,
    );
    await signFile({ file: fixture.bundle, secretKeyFile, password: undefined });
    expect(readFileSync(signature, "utf8")).toContain("trusted comment");
    expect(await gantry(["prepare", "--from", url])).toMatchObject({ code: 0 });
  } finally {
    rmSync(keys, { recursive: true });
    rmSync(signature, { force: true });
  }
});
