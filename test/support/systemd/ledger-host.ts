/** Hosts with the ledger installed, and what has to be true of them whatever happened. */
import { readdirSync, readlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { expect } from "vitest";
import { gantry, makeVersion, PORT, releasesOf, untilAnswers, type Traffic, type Version } from "./ledger.ts";
import { bootHost, type SystemdHost } from "./systemd-host.ts";
import type { Suite } from "../roots/roots.ts";

export interface LedgerHost {
  readonly host: SystemdHost;
  /** The ledger's port, from this machine. */
  readonly url: string;
}

/**
 * Boots a host without a network, with the ledger 0.1.0 installed from /root/ledger.
 * @param base the compiled release, and scratch a directory for its versions
 */
export async function bootLedger(
  suite: Suite,
  {
    base,
    scratch,
    version,
  }: { readonly base: string; readonly scratch: string; readonly version?: Partial<Version> },
): Promise<LedgerHost> {
  const host = await bootHost({ suite });
  try {
    host.put(makeVersion(base, scratch, { version: "0.1.0", ...version }), "/root/ledger");
    const answer = await gantry(host, ["install"], "/root/ledger");
    expect(answer.stderr).not.toContain("fix ");
    expect(answer).toMatchObject({ code: 0, json: { outcome: "done" } });
    const { url } = await host.forward(PORT);
    return { host, url };
  } catch (error) {
    await host.remove();
    throw error;
  }
}

/** Nothing but whole generations, one of them current, and no change on record. */
export async function expectWhole(host: SystemdHost): Promise<string> {
  const current = basename(readlinkSync(join(host.root, "opt/ledger/current")));
  const names = releasesOf(host);
  expect(names).toContain(current);
  for (const name of names) {
    expect(name).toMatch(/^0\.\d+\.\d+-[0-9a-f]{12}$/);
    await host.shell(`cd /opt/ledger/releases/${name} && sha256sum --quiet -c SHA256SUMS`);
  }
  await host.shell("/opt/ledger/current/gantry verify");
  expect(readdirSync(join(host.root, "var/lib/gantry/ledger"))).not.toContain("upgrade.json");
  expect(readdirSync(join(host.root, "opt/ledger")).toSorted()).toEqual(["current", "fallback", "releases"]);
  return current.split("-")[0] ?? "";
}

/** Signals the process that changes the service now. */
export async function signalLockOwner(host: SystemdHost, signal: "KILL" | "TERM"): Promise<void> {
  const lock = await host.shell("cat /run/gantry-ledger.lock");
  await host.shell(`kill -${signal} ${(JSON.parse(lock) as { pid: number }).pid}`);
}

/** Nothing that was acknowledged is missing. */
export async function expectNoLoss(url: string, ...traffic: readonly Traffic[]): Promise<void> {
  const { rows } = await untilAnswers(url);
  const acknowledged = traffic.reduce((sum, one) => sum + one.acknowledged(), 0);
  expect(acknowledged).toBeGreaterThan(0);
  expect(rows).toBeGreaterThanOrEqual(acknowledged);
}
