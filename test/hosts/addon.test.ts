/**
 * Images on a distribution's Node, by themselves and as Home Assistant's add-ons: under an init that does with a command
 * what that of its bases does.
 */
import { mkdtempSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildAddonBase } from "../support/images/addon-base.ts";
import { must, withApk } from "../support/images/containers.ts";
import { edit, HARSH, openImageBench, type ImageBench } from "../support/images/image-bench.ts";
import {
  bytesOf,
  expectSameTwice,
  expectService,
  expectSettings,
  newLayers,
  weigh,
} from "../support/images/image-conduct.ts";
import { MUSL_NODE_MAJOR, muslNodeRoot } from "../support/roots/node-roots.ts";
import { startContainer } from "../support/images/running.ts";
import { NODE_SETTING, systemSetting } from "../../scripts/pins.mjs";

const MUSL_NODE = "docker.io/library/musl-node:1";
const ADDON_BASE = "localhost/addon-base:1";
const musl = ["--target", "linux-x64-musl"];
const base = ["--base", MUSL_NODE];

let bench: ImageBench;
let release = "";

const onSystem =
  (major: 24 | 26) =>
  (app: string): void =>
    edit(join(app, "package.json"), NODE_SETTING, systemSetting(major));

beforeAll(() => {
  bench = openImageBench();
  bench.containers.importBase(withApk("musl-node-alpine", muslNodeRoot()), MUSL_NODE);
  release = bench.buildApp("node", "test-node-brain", onSystem(MUSL_NODE_MAJOR), ...musl);
});
afterAll(() => bench.dispose());

it("runs on the distribution's Node, and refuses another one when it is built", async () => {
  const tag = "localhost/node-alpine:1";
  must(bench.build(release, "node-alpine", { tag, network: "none" }, ...base));
  const added = bench.containers.podman("run", "--rm", ...HARSH, tag, "cat", "/added");
  expect(added.stdout).toBe(`nodejs=~${MUSL_NODE_MAJOR}\n`);
  const subject = {
    tag,
    binary: "node-brain",
    program: "node",
    lines: [/^node-brain listening on http:\/\/127\.0\.0\.1:8080$/],
    kept: "data/brain.db",
  };
  expectSettings(bench.containers, subject, "0.1.0");
  await expectService(bench.containers, subject);
  const other = bench.buildApp("other", "test-node-brain", onSystem(24), ...musl);
  const said = bench.refuse(other, "node-alpine", { tag: "localhost/never:1", network: "none" }, ...base);
  expect(said).toMatch(/ABI_MISMATCH: .*\b137\b.*\b147\b/);
});

it("adds modules and app to its base, and an update ships the app alone", () => {
  const tags = ["localhost/node-alpine:1", "localhost/changed:1"] as const;
  const changed = bench.buildApp(
    "changed",
    "test-node-brain",
    (app) => {
      onSystem(MUSL_NODE_MAJOR)(app);
      edit(join(app, "src/server.ts"), "of eight characters", "of 8 characters");
    },
    ...musl,
  );
  const fresh = { tag: tags[1], network: "none", flags: ["--no-cache"] } as const;
  must(bench.build(changed, "node-alpine", fresh, ...base));
  const shipped = newLayers(bench.containers, ...tags);
  expect(
    shipped.flatMap(({ files }) => files).filter((file) => /^(?!.*\/\.gantry\/).*\.node$/.test(file)),
  ).toEqual([]);
  expect(bytesOf(shipped)).toBeLessThan(1_500_000);
  const added = bytesOf(bench.containers.layers(tags[0]).slice(1));
  expect(added).toBeLessThan(weigh(release).modules + 1_048_576);
});

it("built twice with one timestamp has the same layers and settings", () =>
  expectSameTwice(bench, [release, "node-alpine", { tag: "", network: "none" }, ...base]));

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

  it("runs under its base's init, with variables, health and data in /data", async () => {
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
