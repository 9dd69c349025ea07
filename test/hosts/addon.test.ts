/**
 * Images on a distribution's Node, by themselves and as Home Assistant's add-ons: under an init that does with a command
 * what that of its bases does.
 */
import { mkdtempSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildAddonBase } from "./addon-base.ts";
import { must, withApk } from "./containers.ts";
import { edit, HARSH, openImageBench, type ImageBench } from "./image-bench.ts";
import { MUSL_NODE_MAJOR, muslNodeRoot } from "./node-roots.ts";
import { startContainer } from "./running.ts";

const MUSL_NODE = "docker.io/library/musl-node:1";
const ADDON_BASE = "localhost/addon-base:1";
const musl = ["--target", "linux-x64-musl"];
const base = ["--base", MUSL_NODE];

let bench: ImageBench;
let release = "";

const onSystem =
  (major: number) =>
  (app: string): void =>
    edit(join(app, "package.json"), '"node": "24.21.0"', `"node": "system@${major}"`);

beforeAll(() => {
  bench = openImageBench();
  bench.containers.importBase(withApk("musl-node-alpine", muslNodeRoot()), MUSL_NODE);
  release = bench.buildApp("node", "test-node-brain", onSystem(MUSL_NODE_MAJOR), ...musl);
});
afterAll(() => bench.dispose());

it("runs on the distribution's Node, and refuses another one when it is built", async () => {
  const tag = "localhost/node-alpine:1";
  must(bench.build(release, "node-alpine", { tag, network: "none" }, ...base));
  const app = await startContainer(bench.containers, tag, [...HARSH]);
  expect(must(app.exec("cat", "/added")).stdout).toBe(`nodejs=~${MUSL_NODE_MAJOR}\n`);
  expect(app.stop()).toMatchObject({ code: "0" });
  const other = bench.buildApp("other", "test-node-brain", onSystem(MUSL_NODE_MAJOR - 2), ...musl);
  const said = bench.refuse(other, "node-alpine", { tag: "localhost/never:1", network: "none" }, ...base);
  expect(said).toMatch(/ABI_MISMATCH: .*\b137\b.*\b147\b/);
});

describe("as a Home Assistant add-on", () => {
  const tag = "localhost/addon:1";
  const quiet = ["--no-healthcheck", "--network", "none"];
  let context = "";
  const run = (...args: string[]) => bench.containers.podman("run", "--rm", ...quiet, ...args);

  beforeAll(() => {
    buildAddonBase(bench.containers, MUSL_NODE, ADDON_BASE);
    context = mkdtempSync(join(bench.work, "addon-"));
    bench.gantry("docker", release, "--strategy", "node-alpine", "--out", context, ...base);
    // As the Supervisor builds it: the file for the processor goes before Dockerfile.
    const flags = ["--file", join(context, "Dockerfile.amd64")];
    const args = { BUILD_FROM: ADDON_BASE, BUILD_ARCH: "amd64", BUILD_VERSION: "0.1.0" };
    must(bench.containers.build(context, { tag, network: "none", flags, args }));
  });

  it("is a directory for /addons, in which the Supervisor finds no other config.yaml", () => {
    const names = readdirSync(context).toSorted();
    expect(names).toEqual([".dockerignore", "Dockerfile", "Dockerfile.amd64", "config.yaml", "rootfs"]);
  });

  it("runs under its base's init, with its variables, its health, and its data in /data", async () => {
    const app = await startContainer(bench.containers, tag, [...quiet, "--volume", "addon:/data"]);
    expect(must(app.exec("cat", "/proc/1/comm")).stdout).toBe("init\n");
    const script =
      'for p in /proc/[0-9]*; do [ "$(readlink $p/exe)" != /usr/bin/node ] || { grep ^PPid: $p/status; tr "\\0" "\\n" <$p/environ; }; done';
    const seen = must(app.exec("sh", "-c", script)).stdout.split("\n");
    for (const line of ["PPid:\t1", "HOME=/data", "STATE_DIRECTORY=/data", "PORT=8080"])
      expect(seen).toContain(line);
    expect(must(app.exec("find", "/data", "-name", "brain.db")).stdout).not.toBe("");
    expect(app.health()).toMatchObject({ code: 0 });
    const { code, seconds } = app.stop();
    expect(code).toBe("0");
    expect(seconds).toBeLessThan(8);
    expect(must(run("--volume", "addon:/data", tag, "find", "/data", "-name", "brain.db")).stdout).not.toBe(
      "",
    );
  });

  it("passes the exit status on", () => {
    const failed = run(tag, "/opt/node-brain/node-brain", "never heard of");
    expect(failed).toMatchObject({ code: 64, stdout: "" });
  });

  it("would get neither variables nor signals, had its image not asked for them", async () => {
    const shown = ["sh", "-c", 'echo "<$STATE_DIRECTORY>"'];
    expect(must(run(tag, ...shown)).stdout).toBe("</data>\n");
    expect(must(run("--env", "S6_KEEP_ENV=0", tag, ...shown)).stdout).toBe("<>\n");
    const slow = [
      "sh",
      "-c",
      'trap "echo ending; sleep 1; exit 7" TERM; echo ready; while :; do sleep 0.2; done',
    ];
    const stopped = async (...flags: string[]) => {
      must(bench.containers.podman("run", "--detach", "--name", "slow", ...quiet, ...flags, tag, ...slow));
      for (let tries = 0; !bench.containers.podman("logs", "slow").stdout.includes("ready"); tries += 1) {
        if (tries === 100) throw new Error("it does not start");
        await sleep(100);
      }
      must(bench.containers.podman("stop", "--time", "10", "slow"));
      const code = bench.containers
        .podman("inspect", "slow", "--format", "{{.State.ExitCode}}")
        .stdout.trim();
      must(bench.containers.podman("rm", "slow"));
      return code;
    };
    expect(await stopped()).toBe("7");
    expect(await stopped("--env", "S6_CMD_RECEIVE_SIGNALS=0")).toBe("0");
  });
});
