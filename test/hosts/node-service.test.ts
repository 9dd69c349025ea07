/** An app on the host's own Node as a service: where that Node usually lies, and what an upgrade of it does. */
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ensureNode } from "../../src/build/node/node-runtime.ts";
import { parseTarget } from "../../src/release/targets.ts";
import { exerciseNodeBrain } from "../support/app/node-client.ts";
import { bootHost, type SystemdHost } from "../support/systemd/systemd-host.ts";
import { NODE, NODE_SETTING, systemSetting } from "../../scripts/pins.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const BUN = join(root, "node_modules/bun/bin/bun.exe");

let work = "";
let release = "";
let host: SystemdHost | undefined;
/** Node 24, as the release wants it, and another major. */
const nodes = new Map<string, string>();

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), "gantry-node-service-"));
  for (const wanted of [NODE[24], NODE[22]]) {
    const target = parseTarget("linux-x64-gnu");
    const fetching = { wanted, target, directory: join(work, wanted), bun: BUN, environment: process.env };
    nodes.set(wanted, (await ensureNode({ ...fetching, where: "" })).executable);
  }
  const app = join(work, "app");
  cpSync(join(root, "test/fixtures/test-node-brain"), app, { recursive: true });
  const file = join(app, "package.json");
  writeFileSync(file, readFileSync(file, "utf8").replace(NODE_SETTING, systemSetting(24)));
  const args = [
    join(root, "dist/cli.js"),
    "build",
    app,
    "--no-archive",
    "--no-smoke",
    "--out",
    join(work, "out"),
    "--bun",
    BUN,
  ];
  const said = execFileSync(process.execPath, args, { encoding: "utf8", stdio: "pipe" });
  release = said.split("\n")[0] ?? "";
  host = await bootHost({ suite: "bookworm" });
});
afterAll(async () => {
  await host?.remove();
  rmSync(work, { recursive: true, force: true });
});

it("uses a Node in /usr/local/bin, names both versions after its upgrade, recovers", async () => {
  if (host === undefined) throw new Error("no host");
  const { put, run, shell, forward, journal } = host;
  put(release, "/srv/release");
  const without = await run(["/srv/release/gantry", "install"]);
  expect(without).toMatchObject({ code: 71 });
  expect(without.stderr).toMatch(
    /node: not found(?:.|\n)*fix +install Node 24 .*services look in \/usr\/local\/bin/,
  );

  put(nodes.get(NODE[24]) ?? "", "/usr/local/bin/node");
  await shell("PATH=/usr/local/bin:$PATH /srv/release/gantry install");
  const { url } = await forward(8080);
  await exerciseNodeBrain(url, { fresh: true });

  put(nodes.get(NODE[22]) ?? "", "/usr/local/bin/node");
  // Type=exec: the restart itself is over once the script runs, which then ends.
  await shell("systemctl restart node-brain; until systemctl is-failed -q node-brain; do sleep 0.1; done");
  expect(await journal("-u", "node-brain", "-o", "cat")).toContain(
    `ABI_MISMATCH: the release is built for NODE_MODULE_VERSION 137 (Node ${NODE[24]}), and this is Node ${NODE[22]} with 127`,
  );
  const shown = await shell("systemctl show -p ExecMainStatus -p NRestarts node-brain");
  expect(shown.trim().split("\n").toSorted()).toEqual(["ExecMainStatus=69", "NRestarts=0"]);

  put(nodes.get(NODE[24]) ?? "", "/usr/local/bin/node");
  await shell(
    "systemctl restart node-brain; export PATH=/usr/local/bin:$PATH; until /opt/node-brain/current/gantry health; do sleep 0.1; done",
  );
  await exerciseNodeBrain(url, { fresh: false });
});
