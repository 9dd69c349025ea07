/** What Home Assistant's Supervisor reads of an add-on, by its documentation ("App configuration") and its schema. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { renderImage } from "../../../../src/build/docker/render.ts";
import { chooseBases } from "../../../../src/build/docker/strategy.ts";
import type { Manifest } from "../../../../src/release/manifest.ts";
import { nodeManifest } from "../../../support/build/manifests.ts";

const BUN = fileURLToPath(new URL("../../../../node_modules/bun/bin/bun.exe", import.meta.url));

/** By a reader of YAML that is not gantry's. */
function parseYaml(text: string): Record<string, unknown> {
  const script = "console.log(JSON.stringify(Bun.YAML.parse(await Bun.stdin.text())))";
  const parsed = spawnSync(BUN, ["-e", script], { input: text, encoding: "utf8" });
  if (parsed.status !== 0) throw new Error(parsed.stderr);
  return JSON.parse(parsed.stdout) as Record<string, unknown>;
}

function render(changes: Partial<Manifest> = {}) {
  const manifest = { ...nodeManifest, ...changes };
  const bases = chooseBases("node-alpine", manifest, undefined);
  return renderImage({
    strategy: "node-alpine",
    manifest,
    bases,
    release: "rootfs/r",
    compose: "with compose",
  });
}
const readConfig = (changes?: Partial<Manifest>) => parseYaml(render(changes)["config.yaml"] ?? "");

const isText = (value: unknown) => typeof value === "string" && value !== "";
const entries = (value: unknown) => Object.entries(value as Record<string, unknown>);

/** The keys that the Supervisor knows and gantry may write; the first five have to be there. */
const RULES: Readonly<Record<string, (value: unknown) => boolean>> = {
  name: isText,
  version: (value) => /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(String(value)),
  slug: (value) => /^[-_.A-Za-z0-9]+$/.test(String(value)),
  description: isText,
  arch: (value) => (value as string[]).every((one) => ["aarch64", "amd64"].includes(one)),
  startup: (value) => ["initialize", "system", "services", "application", "once"].includes(value as string),
  boot: (value) => ["auto", "manual", "manual_only"].includes(value as string),
  init: (value) => value === false,
  timeout: (value) => Number.isInteger(value),
  ports: (value) =>
    entries(value).every(([key, port]) => /^\d+\/(?:tcp|udp)$/.test(key) && Number.isInteger(port)),
  watchdog: (value) =>
    /^(?:https?|\[PROTO:\w+\]|tcp):\/\/\[HOST\]:(?:\[PORT:\d+\]|\d+).*$/.test(String(value)),
  environment: (value) => entries(value).every(([key, set]) => /^\w*$/.test(key) && typeof set === "string"),
  options: (value) => typeof value === "object",
  schema: (value) => typeof value === "object",
};

describe("config.yaml", () => {
  it.each<[string, Partial<Manifest>]>([
    ["an app with a port", {}],
    ["an app without one", { service: undefined }],
    ["names that mean something in YAML", { name: '@scope/my: "app" #1', version: "1.0.0+build.7" }],
    ["arm64", { target: "linux-arm64-musl" }],
  ])("of %s holds what the Supervisor takes, and nothing else", (_, changes) => {
    const config = readConfig(changes);
    for (const key of Object.keys(RULES).slice(0, 5)) expect(config).toHaveProperty(key);
    const wrong = entries(config).filter(([key, value]) => RULES[key]?.(value) !== true);
    expect(wrong).toEqual([]);
  });

  it("tells its port, its health and its processor", () => {
    expect(readConfig()).toMatchObject({
      arch: ["amd64"],
      ports: { "8080/tcp": 8080 },
      watchdog: "http://[HOST]:[PORT:8080]/health",
    });
    expect(readConfig({ target: "linux-arm64-musl" })).toMatchObject({ arch: ["aarch64"] });
  });
});

it.each(["notes", "true", "007", "1e3"])("compose.yaml is YAML too, with a service named %s", (binary) => {
  const text = render({ binary })["compose.yaml"] ?? "";
  expect(parseYaml(text)).toMatchObject({ services: { [binary]: { init: true, read_only: true } } });
  // Bun's reader makes every key a string, Compose's refuses others.
  expect(text).toContain(`\n  "${binary}":\n`);
});
