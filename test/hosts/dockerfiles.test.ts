/** The commands in Dockerfiles by shellcheck's judgement, which is the half of hadolint that is not about Dockerfiles. */
import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";
import { renderImage } from "../../src/build/docker/render.ts";
import { chooseBases, STRATEGIES, type Strategy } from "../../src/build/docker/strategy.ts";
import type { Manifest } from "../../src/release/manifest.ts";
import { parseDockerfile } from "../support/build/dockerfile-rules.ts";
import { bunManifest, nodeManifest } from "../support/build/manifests.ts";

const MUSL = { ...bunManifest, target: "linux-x64-musl" };
const cases = STRATEGIES.flatMap((strategy): [Strategy, Manifest][] => {
  if (strategy === "node-alpine") return [[strategy, nodeManifest]];
  if (strategy === "static-base") return [[strategy, bunManifest]];
  return [
    [strategy, bunManifest],
    [strategy, MUSL],
  ];
});

it.each(cases)("%s", (strategy, manifest) => {
  const bases = chooseBases(strategy, manifest, undefined);
  const texts = renderImage({ strategy, manifest, bases, release: "r", compose: "without compose" });
  const files = Object.keys(texts).filter((name) => name.startsWith("Dockerfile"));
  const commands = files.flatMap((name) =>
    parseDockerfile(texts[name] ?? "").flatMap((one) =>
      one.name === "RUN" && !one.text.startsWith("[") ? [one.text.replace(/^(?:--\S+ )+/, "")] : [],
    ),
  );
  expect(commands).not.toEqual([]);
  for (const command of commands) {
    const judged = spawnSync("shellcheck", ["--shell=sh", "-"], { input: command, encoding: "utf8" });
    expect(judged).toMatchObject({ status: 0, stdout: "" });
  }
});
