/** A container of an image under test: started, asked by the image's own health check, stopped as people stop it. */
import { setTimeout as sleep } from "node:timers/promises";
import { must, type Containers, type Result } from "./containers.ts";

export interface Container {
  readonly name: string;
  /** Runs a command in it. */
  exec(...command: readonly string[]): Result;
  /** The image's health check, with more arguments. */
  health(...more: readonly string[]): Result;
  /** Of its process 1, as this machine counts. */
  pid(): string;
  /** What it printed, on both streams, without empty lines. */
  logs(): string[];
  /** Ends it as `docker stop` does: its exit status, and how long that took. */
  stop(): { readonly code: string; readonly seconds: number };
}

let count = 0;

/** Starts a container and waits until it is well. */
export async function startContainer(
  containers: Containers,
  tag: string,
  flags: readonly string[],
): Promise<Container> {
  const { podman } = containers;
  count += 1;
  const name = `app-${count}`;
  const check = readHealthCheck(containers, tag);
  must(podman("run", "--detach", "--name", name, ...flags, tag));
  const inspect = (what: string) => podman("inspect", name, "--format", `{{.State.${what}}}`).stdout.trim();
  const exec = (...command: readonly string[]) => podman("exec", name, ...command);
  const logs = () => {
    const { stdout, stderr } = podman("logs", name);
    return `${stdout}${stderr}`.split("\n").filter((line) => line !== "");
  };
  const health = (...more: readonly string[]) => exec(...check, ...more);
  const pid = () => inspect("Pid");
  const stop = () => {
    const began = Date.now();
    must(podman("stop", "--time", "10", name));
    const seconds = (Date.now() - began) / 1000;
    const code = inspect("ExitCode");
    must(podman("rm", "--force", "--volumes", name));
    return { code, seconds };
  };
  for (let tries = 0; tries < 150; tries += 1) {
    if (health().code === 0) return { name, exec, health, pid, logs, stop };
    if (inspect("Running") !== "true") break;
    await sleep(200);
  }
  throw new Error(`${tag} did not become healthy: ${logs().join("\n")}`);
}

/** podman runs it by systemd timers, which not every machine has; it is the same command by hand. */
function readHealthCheck(containers: Containers, tag: string): string[] {
  const format = "{{json .HealthCheck}}";
  const { stdout } = must(containers.podman("image", "inspect", tag, "--format", format));
  const { Test: test } = JSON.parse(stdout) as { Test: string[] };
  if (test[0] !== "CMD") throw new Error(`not in exec form: ${test.join(" ")}`);
  return test.slice(1);
}
