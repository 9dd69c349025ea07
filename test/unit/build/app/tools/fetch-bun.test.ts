import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bunFetcher, FETCHED_BUN } from "../../../../../src/build/app/tools/fetch-bun.ts";
import { parseTarget } from "../../../../../src/release/targets.ts";
import { findingsOf, makeDirectory } from "../../../../support/build/scratch.ts";
import { partOf } from "../../../../support/wide-table.ts";

const asked: string[] = [];
/** A registry that has nothing. */
const server = createServer((request, response) => {
  asked.push(request.url ?? "");
  response.writeHead(404, { "content-type": "application/json" }).end('{"error":"not found"}');
});
beforeAll(() => new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve)));
afterAll(() => new Promise((resolve) => void server.close(resolve)));

const fetchFor = (host: string, runtime: "bun" | "node" = "node", packageJson = {}, said: string[] = []) =>
  bunFetcher(
    { settings: { runtime }, packageJson },
    {
      log: { info: (text) => void said.push(text) },
      directory: join(makeDirectory(), "bun"),
      host: parseTarget(host),
      environment: {
        ...process.env,
        npm_config_registry: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
        npm_config_cache: makeDirectory(),
      },
    },
  );

const VERSIONS: readonly [object, string][] = [
  [{}, FETCHED_BUN],
  [{ packageManager: "bun@1.3.9+sha512.abc" }, "1.3.9"],
  [{ devDependencies: { bun: "^1.4.0" } }, "^1.4.0"],
  [{ devDependencies: { bun: "latest" } }, FETCHED_BUN],
];

describe("bunFetcher", () => {
  it.each(partOf("versions of a fetched Bun", VERSIONS, 2))(
    "asks for the version that an app on Bun, which ships it, names: %j",
    async (json, version) => {
      const said: string[] = [];
      const [finding] = await findingsOf(fetchFor("linux-x64-gnu", "bun", json, said));
      expect(finding?.what).toContain(`could not fetch @oven/bun-linux-x64@${version}`);
      expect(said).toEqual([expect.stringMatching(/it goes into the release/)]);
    },
  );

  it.each([
    ["linux-x64-gnu", "@oven/bun-linux-x64"],
    ["linux-arm64-musl", "@oven/bun-linux-aarch64-musl"],
  ])("asks for the one of this machine, %s, and says what to do without it", async (host, name) => {
    const findings = await findingsOf(fetchFor(host));
    expect(findings).toMatchObject([
      {
        code: "NETWORK_FAILED",
        what: `no Bun was found in the app's node_modules or on the PATH, and npm could not fetch ${name}@${FETCHED_BUN}`,
        fix: expect.stringMatching(/npm install --save-dev bun\).*--bun PATH/),
      },
    ]);
    expect(findings[0]?.detail?.join("\n")).toMatch(/404/);
    expect(asked.map((path) => path.replaceAll(/%2f/gi, "/"))).toContain(`/${name}`);
  });

  it("fetches the version that these tests run with", () => {
    const json = JSON.parse(
      readFileSync(new URL("../../../../../package.json", import.meta.url), "utf8"),
    ) as {
      devDependencies: Record<string, string>;
    };
    expect(FETCHED_BUN).toBe(json.devDependencies["bun"]);
  });
});
