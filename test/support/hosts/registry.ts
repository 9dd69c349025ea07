/** A container registry as teams run one: Debian's docker-registry, on a port of its own. */
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { unusedPort } from "../mirror/servers.ts";

export interface Registry {
  /** `127.0.0.1:PORT`; it does not speak TLS. */
  readonly host: string;
  /** Where it keeps blobs/ and repositories/. */
  readonly data: string;
  /** The digest that a tag stands for, by the registry's own records. */
  digestOf(repository: string, tag: string): string;
  stop(): Promise<void>;
}

/**
 * @param work a directory for its configuration and data
 * @param auth lines of its configuration
 */
export async function startRegistry(work: string, auth = ""): Promise<Registry> {
  const host = `127.0.0.1:${await unusedPort()}`;
  const storage = `storage:\n  filesystem:\n    rootdirectory: ${work}/data\n  delete:\n    enabled: true\n`;
  writeFileSync(join(work, "config.yml"), `version: 0.1\n${storage}http:\n  addr: ${host}\n${auth}`);
  const registry = spawn("docker-registry", ["serve", join(work, "config.yml")], { stdio: "ignore" });
  const data = join(work, "data/docker/registry/v2");
  for (let tries = 0; ; tries += 1) {
    const status = await fetch(`http://${host}/v2/`).then(
      (answer) => answer.status,
      () => undefined,
    );
    if (status !== undefined) break;
    if (tries === 200 || registry.exitCode !== null) throw new Error("docker-registry does not start");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    host,
    data,
    digestOf: (repository, tag) =>
      readFileSync(join(data, "repositories", repository, "_manifests/tags", tag, "current/link"), "utf8"),
    stop: async () => {
      const ended = new Promise((resolve) => registry.once("exit", resolve));
      registry.kill();
      await ended;
    },
  };
}
