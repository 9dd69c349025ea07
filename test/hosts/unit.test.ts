/** The unit of a release under a real systemd: what it lets the app do, what it forbids, and what ends in a restart. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { exerciseBrain } from "../e2e/brain-client.ts";
import { copyRelease } from "../e2e/release.ts";
import { installByHand } from "./by-hand.ts";
import type { Suite } from "./roots.ts";
import { bootHost, type HostOptions, type SystemdHost } from "./systemd-host.ts";

const TOKEN = "a-token-of-the-tests";
const PORT = 4680;

let scratch = "";
let prepared = "";
const hosts: SystemdHost[] = [];

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "gantry-unit-"));
  prepared = copyRelease(scratch);
  execFileSync(join(prepared, "gantry"), ["prepare"], { stdio: "pipe" });
});
afterEach(async () => {
  for (const host of hosts.splice(0)) await host.remove();
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

async function boot(options: HostOptions): Promise<SystemdHost> {
  const host = await bootHost(options);
  hosts.push(host);
  return host;
}

/** A host where the release is installed and prepared, and the token known. */
async function installed(
  suite: Suite,
  ...dropIns: Parameters<typeof installByHand>[2] & {}
): Promise<SystemdHost> {
  const host = await boot({ suite });
  await installByHand(host, prepared, dropIns);
  host.write("/etc/brain/env", `BRAIN_TOKEN=${TOKEN}\n`, 0o600);
  await host.shell("/opt/brain/current/gantry prepare");
  return host;
}

async function show(host: SystemdHost, property: string, unit = "brain"): Promise<string> {
  return (await host.shell(`systemctl show --value -p ${property} ${unit}`)).trim();
}

describe.each(["bullseye", "bookworm", "trixie"] as const)("on %s", (suite) => {
  it("systemd finds nothing to say about the unit, and the app works under it", async () => {
    const host = await installed(suite);
    for (const file of ["brain.socket", "local.conf", "airgapped.conf"]) {
      host.put(join(prepared, "systemd", file), `/root/${file}`);
    }
    await host.shell(
      "mkdir /etc/systemd/system/brain.service.d && cp /root/brain.socket /etc/systemd/system",
    );
    for (const dropIn of ["", "local.conf", "airgapped.conf"]) {
      await host.shell(
        `cd /etc/systemd/system/brain.service.d && rm -f *; [ -z '${dropIn}' ] || cp /root/${dropIn} .`,
      );
      const verdict = await host.run(["systemd-analyze", "verify", "brain.service", "brain.socket"]);
      expect({ dropIn, ...verdict }).toEqual({ dropIn, code: 0, stdout: "", stderr: "" });
    }
    await host.shell(
      "rm -r /etc/systemd/system/brain.service.d && systemctl daemon-reload && systemctl start brain",
    );
    const { url, close } = await host.forward(PORT);
    await untilHealthy(url);
    await exerciseBrain({ url, token: TOKEN });
    await close();
    const main = await show(host, "MainPID");
    expect((await host.shell(`readlink /proc/${main}/exe`)).trim()).toBe(
      `/opt/brain/releases/${basename(await host.shell("readlink /opt/brain/current")).trim()}/lib/brain`,
    );
  });
});

/** Asks until the app answers; a deadline, so that one that never does becomes a failure. */
async function untilHealthy(url: string): Promise<void> {
  for (const limit = performance.now() + 30_000; performance.now() < limit;) {
    const answer = await fetch(`${url}/health`).catch(() => undefined);
    if (answer?.status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("the app does not become healthy");
}
