/** The unit of a release under a real systemd: what it lets the app do, what it forbids, and what ends in a restart. */
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { checkStoredNotes, exerciseBrain } from "../support/app/brain-client.ts";
import { copyRelease } from "../support/app/release.ts";
import { renderUnits } from "../../src/build/release/render-units.ts";
import type { Manifest } from "../../src/release/manifest.ts";
import { installByHand } from "../support/hosts/by-hand.ts";
import type { Suite } from "../support/roots/roots.ts";
import {
  errors,
  serveSlowly,
  show,
  untilGone,
  untilHealthy,
  untilState,
  untilStatus,
} from "../support/systemd/service-state.ts";
import { bootHost, type HostOptions, type SystemdHost } from "../support/systemd/systemd-host.ts";

const TOKEN = "a-token-of-the-tests";
const PORT = 4680;
/** `systemd-analyze security`, by drop-in: 0 is closed, 10 is open; a plain unit has 9.6. */
const LIMITS: Readonly<Record<string, number>> = { "": 1.2, "local.conf": 1, "airgapped.conf": 0.5 };

let scratch = "";
let fresh = "";
let prepared = "";
const hosts: SystemdHost[] = [];

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "gantry-unit-"));
  fresh = copyRelease(scratch, "fresh");
  prepared = copyRelease(scratch, "prepared");
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
      await host.shell("systemctl daemon-reload");
      const security = await host.shell("systemd-analyze security --no-pager brain.service");
      const score = Number(/Overall exposure level for brain\.service: (\d+\.\d)/.exec(security)?.[1]);
      expect({ dropIn, score: score <= (LIMITS[dropIn] ?? 0) ? "low enough" : score }).toEqual({
        dropIn,
        score: "low enough",
      });
    }
    await host.shell(
      "rm -r /etc/systemd/system/brain.service.d && systemctl daemon-reload && systemctl start brain",
    );
    const { url, close } = await host.forward(PORT);
    await untilHealthy(url);
    await exerciseBrain({ url, token: TOKEN });
    expect((await host.run(["/opt/brain/current/gantry", "health"])).code).toBe(0);
    await close();
    const main = await show(host, "MainPID");
    expect((await host.shell(`readlink /proc/${main}/exe`)).trim()).toBe(
      `/opt/brain/releases/${basename(await host.shell("readlink /opt/brain/current")).trim()}/lib/brain`,
    );
  });
});

describe("a service on bookworm", () => {
  let host: SystemdHost;
  let url = "";
  const DROP_INS = "/etc/systemd/system/brain.service.d";
  const dropIn = (text: string) => host.write(`${DROP_INS}/test.conf`, text);
  const reload = () => host.shell("systemctl daemon-reload");
  const ask = async (path: string) => (await fetch(`${url}${path}`)).status;

  beforeAll(async () => {
    host = await installed("bookworm");
    // Taken from the list that is emptied after each test.
    hosts.pop();
    url = (await host.forward(PORT)).url;
  });
  afterAll(() => host.remove());
  afterEach(async () => {
    await host.shell(
      `systemctl stop brain brain.socket 2>/dev/null; systemctl reset-failed; rm -rf ${DROP_INS} /var/lib/brain/*`,
    );
    host.write("/etc/brain/env", `BRAIN_TOKEN=${TOKEN}\n`, 0o600);
    await reload();
  });

  it("is started again after kill -9, with its notes", async () => {
    await host.shell("systemctl start brain");
    await untilHealthy(url);
    const ids = await exerciseBrain({ url, token: TOKEN });
    const before = await show(host, "MainPID");
    await host.shell(`kill -9 ${before}`);
    await untilGone(url);
    await untilHealthy(url);
    await checkStoredNotes({ url, token: TOKEN }, ids);
    expect(await show(host, "NRestarts")).toBe("1");
    expect(await show(host, "MainPID")).not.toBe(before);
  });

  it("is ended by SIGTERM itself, at once", async () => {
    await host.shell("systemctl start brain");
    await untilHealthy(url);
    const began = performance.now();
    await host.shell("systemctl stop brain");
    // TimeoutStopSec= is 30 s; the sample needs a few hundredths.
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(await show(host, "Result")).toBe("success");
    // si_code CLD_EXITED: the sample ends by itself, with 0, when it is asked to.
    expect([await show(host, "ExecMainCode"), await show(host, "ExecMainStatus")]).toEqual(["1", "0"]);
  });

  it("starts without its file of settings", async () => {
    await host.shell("rm /etc/brain/env && systemctl start brain");
    await untilHealthy(url);
    expect(await host.journal("-u", "brain", "-o", "cat")).toMatch(/made a token, shown only this once/);
  });

  it("gets a secret as a credential, and does not start without it", async () => {
    await host.shell("rm /etc/brain/env");
    dropIn("[Service]\nLoadCredential=token:/etc/brain/credentials/token\n");
    await reload();
    expect((await host.run(["systemctl", "start", "brain"])).code).not.toBe(0);
    await host.shell("systemctl stop brain; systemctl reset-failed brain");
    host.write("/etc/brain/credentials/token", "a-secret\n", 0o600);
    await host.shell("systemctl start brain");
    await untilHealthy(url);
    await exerciseBrain({ url, token: "a-secret" });
    const main = await show(host, "MainPID");
    expect(await host.shell(`tr '\\0' '\\n' < /proc/${main}/environ`)).not.toContain("a-secret");
  });

  it("a wrong setting keeps it down, and nothing is started over and over", async () => {
    host.write("/etc/brain/env", "BRAIN_PORT=none\n", 0o600);
    await host.run(["systemctl", "start", "brain"]);
    await untilState(host, "failed");
    expect(await show(host, "ExecMainStatus")).toBe("78");
    // A restart that waits for RestartSec= is the state activating, and what is planned is a job.
    expect([await show(host, "ActiveState"), await show(host, "NRestarts")]).toEqual(["failed", "0"]);
    expect(await host.shell("systemctl list-jobs --no-legend")).not.toContain("brain");
  });

  it("answers on the socket that systemd opened, as the process that it was opened for", async () => {
    host.put(join(prepared, "systemd/brain.socket"), "/etc/systemd/system/brain.socket");
    host.put(join(prepared, "systemd/airgapped.conf"), `${DROP_INS}/airgapped.conf`);
    await reload();
    await host.shell("systemctl start brain.socket");
    expect(await show(host, "ActiveState")).toBe("inactive");
    expect(await ask("/health")).toBe(200);
    await exerciseBrain({ url, token: TOKEN });
    const first = await show(host, "MainPID");
    const environment = await host.shell(`tr '\\0' '\\n' < /proc/${first}/environ`);
    expect(environment).toContain(`LISTEN_PID=${first}\n`);
    expect(await host.journal("-u", "brain", "-o", "cat", "-b")).toContain(
      "on the socket that systemd opened",
    );
  });

  it("may have a privileged port", async () => {
    const manifest = JSON.parse(readFileSync(join(prepared, "lib/release.json"), "utf8")) as Manifest;
    if (manifest.service === undefined) throw new Error("the release describes no service");
    const files = renderUnits(
      { ...manifest, service: { ...manifest.service, port: 80 } },
      "test-brain-v0.1.0",
    );
    const unit = files["systemd/brain.service"] ?? "";
    dropIn(unit.replace(/^ExecStart=.*$/m, "").replace(/^\[Install\][^]*$/m, ""));
    await reload();
    await host.shell("systemctl start brain");
    const low = await host.forward(80);
    await untilHealthy(low.url);
    expect((await fetch(`${low.url}/health`)).status).toBe(200);
    await low.close();
  });

  it("is ready when it says so", async () => {
    dropIn("[Service]\nType=notify\nNotifyAccess=all\n");
    await reload();
    await host.shell("systemctl start brain");
    // Nobody waits for it here: start has waited.
    expect(await ask("/health")).toBe(200);
    expect(await show(host, "StatusText")).toBe("answering");
  });
});

describe("findings in the journal", () => {
  it("of scripts and launcher are the only errors, and no restart follows", async () => {
    const host = await installed("bookworm");
    const current = "/opt/brain/current";
    // Another machine's binary: bytes 18 and 19 of an ELF file are its machine, 183 is arm64.
    await host.shell(
      `printf '\\267\\000' | dd of=${current}/lib/brain bs=1 seek=18 conv=notrunc status=none`,
    );
    await host.shell("systemctl start brain");
    await untilState(host, "failed");
    expect([await show(host, "ExecMainStatus"), await show(host, "NRestarts")]).toEqual(["69", "0"]);
    expect(await errors(host)).toEqual([
      "gantry: HOST_UNSUPPORTED: the binary is not one for linux-x64-gnu: it was replaced or damaged",
      `  file  ${current}/lib/brain`,
      "  fix   unpack the release archive again: test-brain-v0.1.0-linux-x64.tar.gz",
    ]);

    await host.shell(
      `printf '\\076\\000' | dd of=${current}/lib/brain bs=1 seek=18 conv=notrunc status=none`,
    );
    await host.shell(`rm -r ${current}/node_modules && journalctl --rotate --vacuum-time=1s --quiet`);
    host.write("/etc/brain/env", "GANTRY_OFFLINE=1\n", 0o600);
    await host.shell("systemctl start brain");
    await untilState(host, "failed");
    const lines = await errors(host);
    expect(lines.filter((line) => !/^(?:gantry: [A-Z_]+: |  )/.test(line))).toEqual([]);
    expect(lines.join("\n")).toMatch(/^gantry: BUNDLE_MISSING: [^]*\n  fix   /m);
    // Neither colour nor a bar, at no priority: every line is text.
    expect(await host.journal("-u", "brain", "-o", "cat", "--all")).not.toMatch(/[^\P{Cc}\n]/u);
  });
});

describe("limits", () => {
  it("as low as settings may be leave the app its functions", async () => {
    const host = await boot({ suite: "bookworm", limits: "enforced" });
    await installByHand(host, prepared);
    host.write("/etc/brain/env", `BRAIN_TOKEN=${TOKEN}\n`, 0o600);
    host.write("/etc/systemd/system/brain.service.d/test.conf", "[Service]\nMemoryMax=96M\nTasksMax=16\n");
    await host.shell("systemctl daemon-reload && systemctl start brain");
    const { url } = await host.forward(PORT);
    await untilHealthy(url);
    await exerciseBrain({ url, token: TOKEN });
    expect(await show(host, "NRestarts")).toBe("0");
    const main = await show(host, "MainPID");
    const group = (
      await host.shell(`grep :memory: /proc/${main}/cgroup || grep ^0:: /proc/${main}/cgroup`)
    ).trim();
    // Proof that the limit is one: the kernel's own number for the app's group.
    const path = group.split(":").at(-1) ?? "";
    const limit = await host.shell(
      `cat /sys/fs/cgroup/memory${path}/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup${path}/memory.max`,
    );
    expect(Number(limit)).toBe(96 * 2 ** 20);
  });
});

describe("a first start from a slow mirror", () => {
  it("is neither timed out nor a mystery", { timeout: 180_000 }, async () => {
    const bundle = makeBundle();
    const host = await boot({ suite: "bookworm", network: "veth" });
    const mirror = await serveSlowly(bundle, host.gateway ?? "", SLOW);
    try {
      await installByHand(host, fresh);
      host.write("/etc/brain/env", `BRAIN_TOKEN=${TOKEN}\nGANTRY_BUNDLE=${mirror.url}\n`, 0o600);
      const slow = "[Service]\nType=notify\nNotifyAccess=all\nTimeoutStartSec=4\n";
      host.write("/etc/systemd/system/brain.service.d/test.conf", slow);
      await host.shell("systemctl daemon-reload && systemctl start --no-block brain");
      await untilStatus(host, /B of 3\.\d MB$/);
      const stopping = performance.now();
      await host.shell("systemctl stop brain");
      expect(performance.now() - stopping).toBeLessThan(10_000);
      expect(await show(host, "Result")).toBe("success");
      await host.shell("systemctl start --no-block brain");
      const began = performance.now();
      const said = new Set<string>();
      for (;;) {
        const [state, text] = [await show(host, "ActiveState"), await show(host, "StatusText")];
        said.add(text);
        if (state !== "activating") break;
        await sleep(200);
      }
      const seconds = (performance.now() - began) / 1000;
      const status = (await host.run(["systemctl", "status", "--no-pager", "--full", "brain"])).stdout;
      expect(status).toContain("Active: active (running)");
      expect(await show(host, "NRestarts")).toBe("0");
      expect(seconds).toBeGreaterThan(SLOW);
      const progress = [...said].filter((text) => /B of 3\.\d MB$/.test(text));
      expect(progress.length).toBeGreaterThan(3);
      const { url } = await host.forward(PORT);
      await exerciseBrain({ url, token: TOKEN });
      // The modules lie in the service's own directory: the release is root's, and stays as it was.
      expect(await host.shell("ls /opt/brain/current/ /var/lib/brain/gantry")).not.toContain("node_modules");
    } finally {
      await mirror.close();
    }
  });
});

/** Seconds that the mirror takes for the bundle: longer than TimeoutStartSec=, short enough for a test. */
const SLOW = Number(process.env["GANTRY_TEST_SLOW_MIRROR"] ?? "12");

function makeBundle(): string {
  const out = join(scratch, "bundle");
  const copy = join(scratch, "to-bundle");
  cpSync(fresh, copy, { recursive: true });
  const cli = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));
  execFileSync(process.execPath, [cli, "bundle", copy, "--out", out], { stdio: "pipe" });
  const [name = ""] = readdirSync(out);
  return join(out, name);
}
