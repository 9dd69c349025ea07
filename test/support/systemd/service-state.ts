/** What tests of a service look at and wait for. Every wait has a deadline, so that a hang becomes a failure. */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { SystemdHost } from "./systemd-host.ts";

/** Milliseconds. */
const PATIENCE = 60_000;

export async function show(host: SystemdHost, property: string, unit = "brain"): Promise<string> {
  return (await host.shell(`systemctl show --value -p ${property} ${unit}`)).trim();
}

/** One file at a fixed pace, whole after so many seconds. */
export async function serveSlowly(file: string, address: string, seconds: number) {
  const bytes = readFileSync(file);
  const step = Math.ceil(bytes.length / (seconds * 10));
  const server = createServer((request, answer) => {
    if (request.url !== `/${basename(file)}`) return void answer.writeHead(404).end();
    answer.writeHead(200, { "content-length": bytes.length });
    let sent = 0;
    const timer = setInterval(() => {
      answer.write(bytes.subarray(sent, sent + step));
      sent += step;
      if (sent >= bytes.length) answer.end(() => clearInterval(timer));
    }, 100);
    answer.once("close", () => clearInterval(timer));
  });
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${address}:${port}/${basename(file)}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** What `journalctl -p err` shows of the service. */
export async function errors(host: SystemdHost): Promise<string[]> {
  return (await host.journal("-u", "brain", "-p", "err", "-o", "cat"))
    .split("\n")
    .filter((line) => line !== "");
}

export async function untilState(host: SystemdHost, state: string): Promise<void> {
  let found = "";
  for (const limit = performance.now() + PATIENCE; performance.now() < limit; await sleep(50)) {
    found = await show(host, "ActiveState");
    if (found === state) return;
  }
  throw new Error(`the service is ${found}, not ${state}`);
}

/** A service that is killed takes its port with it; only then can it be told from the next one. */
export async function untilGone(url: string): Promise<void> {
  for (const limit = performance.now() + PATIENCE; performance.now() < limit; await sleep(10)) {
    if ((await fetch(`${url}/health`).catch(() => undefined)) === undefined) return;
  }
  throw new Error("the app is still there");
}

/** Asks until the app answers; a deadline, so that one that never does becomes a failure. */
export async function untilHealthy(url: string): Promise<void> {
  for (const limit = performance.now() + PATIENCE; performance.now() < limit;) {
    const answer = await fetch(`${url}/health`).catch(() => undefined);
    if (answer?.status === 200) return;
    await sleep(20);
  }
  throw new Error("the app does not become healthy");
}

/** Waits for what the service says of itself (sd_notify(3), STATUS=). */
export async function untilStatus(host: SystemdHost, pattern: RegExp): Promise<void> {
  let found = "";
  for (const limit = performance.now() + PATIENCE; performance.now() < limit; await sleep(50)) {
    found = await show(host, "StatusText");
    if (pattern.test(found)) return;
  }
  throw new Error(`the service says "${found}"`);
}
