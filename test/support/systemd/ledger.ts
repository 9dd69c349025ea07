/**
 * The app `ledger` in as many versions as a test wants, made from one compiled release by hand, and traffic that
 * remembers every row that was acknowledged and when which version answered.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, linkSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseJson } from "../json-schema.ts";
import type { SystemdHost } from "./systemd-host.ts";

const repository = fileURLToPath(new URL("../../..", import.meta.url));
const cli = join(repository, "dist/cli.js");
export const PORT = 4690;

export interface Version {
  readonly version: string;
  /** One of those that the app's source names. */
  readonly behaviour?: string;
  readonly snapshot?: boolean;
  readonly target?: string;
  /** Settings of the service that are others than the app's own; undefined takes one out. */
  readonly service?: Readonly<Record<string, unknown>>;
  /** Pins its public part, and signs the release with it. */
  readonly key?: Key;
}

export interface Key {
  /** The file of the secret key. */
  readonly secret: string;
  /** What a manifest pins. */
  readonly line: string;
}

/** Compiles it once, with its bundle; returns the release's directory. */
export function buildLedger(directory: string): string {
  const out = join(directory, "built");
  const args = [
    cli,
    "build",
    "test/fixtures/apps/ledger",
    "--no-archive",
    "--no-smoke",
    "--vendor",
    "--out",
    out,
  ];
  const env = {
    ...process.env,
    PATH: `${join(repository, "node_modules/.bin")}:${process.env["PATH"] ?? ""}`,
  };
  execFileSync(process.execPath, args, { cwd: repository, env, stdio: "pipe" });
  const name = readdirSync(out)[0];
  return join(out, name ?? "");
}

const digest = (data: string | Buffer) => createHash("sha256").update(data).digest("hex");

/** A bundle begins with a skippable frame (RFC 8878, 3.1.2) that names the version; returns what the manifest says of it. */
function renameBundle(file: string, version: string): Record<string, unknown> {
  const bytes = readFileSync(file);
  const end = 8 + bytes.readUInt32LE(4);
  const identity = JSON.parse(bytes.toString("utf8", 8, end)) as Record<string, unknown>;
  const text = Buffer.from(JSON.stringify({ ...identity, version }));
  const head = Buffer.from(bytes.subarray(0, 8));
  head.writeUInt32LE(text.length, 4);
  const renamed = Buffer.concat([head, text, bytes.subarray(end)]);
  rmSync(file);
  writeFileSync(file, renamed);
  return { size: renamed.length, sha256: digest(renamed) };
}

/** Makes a release another version of itself, where it lies: manifest, scripts and sums, as a build would write them. */
export function becomeVersion(release: string, { version, behaviour = "works", ...rest }: Version): void {
  const path = (name: string) => join(release, name);
  const text = readFileSync(path("lib/release.json"), "utf8");
  const manifest = JSON.parse(text) as Record<string, unknown> & {
    service: Record<string, unknown>;
    bundle: Record<string, unknown>;
  };
  const { snapshot = false, target, service = {}, key } = rest;
  Object.assign(manifest, { version }, target && { target }, key && { publicKey: key.line });
  Object.assign(manifest.service, { snapshot }, service);
  Object.assign(manifest.bundle, renameBundle(path("vendor/linux-x64-gnu.tar.zst"), version));
  const changed = `${JSON.stringify(manifest, null, 1)}\n`;
  const [oldId, newId] = [text, changed].map((content) => digest(content).slice(0, 16));
  const stub = readFileSync(path("ledger"), "utf8").replaceAll(oldId ?? "", newId ?? "");
  writeFileSync(path("lib/release.json"), changed);
  writeFileSync(path("ledger"), stub);
  writeFileSync(path("behaviour"), `${version} ${behaviour}\n`);
  let sums = readFileSync(path("SHA256SUMS"), "utf8");
  for (const name of ["lib/release.json", "ledger", "behaviour", "vendor/linux-x64-gnu.tar.zst"]) {
    const line = new RegExp(`^[0-9a-f]{64}(?=  ${name.replaceAll(".", "\\.")}$)`, "m");
    sums = sums.replace(line, digest(readFileSync(path(name))));
  }
  writeFileSync(path("SHA256SUMS"), sums);
  if (key !== undefined) sign(release, key.secret);
}

/** A copy of the compiled release as another version. The program itself is a hard link. */
export function makeVersion(base: string, parent: string, version: Version): string {
  const release = join(parent, `ledger-v${version.version}`);
  rmSync(release, { recursive: true, force: true });
  mkdirSync(join(release, "lib"), { recursive: true });
  const program = join(base, "lib/ledger");
  cpSync(base, release, { recursive: true, filter: (from) => from !== program });
  linkSync(program, join(release, "lib/ledger"));
  becomeVersion(release, version);
  return release;
}

/** An archive of a release, as `gantry build` lays it out; quick to make rather than small. */
export function packRelease(release: string): string {
  const file = `${release}.tar.zst`;
  const [parent, name] = [join(release, ".."), release.split("/").at(-1) ?? ""];
  execFileSync("sh", ["-c", `tar -C '${parent}' -c '${name}' | zstd -q -1 -f -o '${file}'`]);
  return file;
}

/** A key pair without a password. */
export function makeKey(directory: string): Key {
  const [secret, open] = [join(directory, "test.key"), join(directory, "test.pub")];
  execFileSync(process.execPath, [cli, "keygen", "--secret", secret, "--public", open], { stdio: "pipe" });
  return { secret, line: readFileSync(open, "utf8").trim().split("\n").at(-1) ?? "" };
}

export function sign(file: string, secret: string): void {
  execFileSync(process.execPath, [cli, "sign", file, "--secret", secret], { stdio: "pipe" });
}

export interface Answer {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** What --json printed. */
  readonly json: Readonly<Record<string, unknown>>;
}

/** Runs a command of the installed service, or of a release that lies in the host. */
export async function gantry(
  host: SystemdHost,
  args: readonly string[],
  release = "/opt/ledger/current",
): Promise<Answer> {
  const run = await host.run([`${release}/gantry`, ...args, "--json"]);
  const [command = ""] = args;
  return { ...run, json: run.stdout.startsWith("{") ? parseJson(command, run.stdout) : {} };
}

export interface Rows {
  readonly version: string;
  readonly rows: number;
}

/** Asks until it answers; a deadline, so that one that never does becomes a failure. */
export async function untilAnswers(url: string): Promise<Rows> {
  for (const limit = performance.now() + 30_000; performance.now() < limit; await sleep(20)) {
    const answer = await fetch(`${url}/rows`, { signal: AbortSignal.timeout(2000) }).catch(() => undefined);
    if (answer?.ok === true) return (await answer.json()) as Rows;
  }
  throw new Error("the ledger does not answer");
}

export interface Traffic {
  /** Rows that were acknowledged. */
  readonly acknowledged: () => number;
  /** The longest time without an answer, in milliseconds, since traffic began. */
  readonly longestGap: () => number;
  /** From the last answer of one version to the first of the next, in milliseconds. */
  readonly handover: () => number;
  /** Versions in the order in which they first answered. */
  readonly versions: () => readonly string[];
  readonly stop: () => Promise<void>;
}

let traffics = 0;

/**
 * Fifty rows a second, whatever becomes of them, and as many requests that need no disk: those tell how long nobody
 * answered, because a row waits for whatever else is being written.
 */
export function startTraffic(url: string): Traffic {
  traffics += 1;
  const name = `t${traffics}-${process.pid}`;
  const answers: { at: number; version: string }[] = [];
  const pending = new Set<Promise<void>>();
  let sent = 0;
  let stored = 0;
  const post = async () => {
    sent += 1;
    const body = `${name}-${sent}`;
    const answer = await fetch(`${url}/rows`, { method: "POST", body, signal: AbortSignal.timeout(5000) });
    if (answer.status === 201) stored += 1;
  };
  const ask = async () => {
    const answer = await fetch(`${url}/health`, { signal: AbortSignal.timeout(5000) });
    if (answer.status === 200) answers.push({ at: performance.now(), version: await answer.text() });
  };
  const run = (request: () => Promise<void>) => {
    const one: Promise<void> = request()
      .catch(() => undefined)
      .finally(() => pending.delete(one));
    pending.add(one);
  };
  const timer = setInterval(() => {
    run(post);
    run(ask);
  }, 20);
  return {
    acknowledged: () => stored,
    longestGap: () => {
      const times = answers.map(({ at }) => at).toSorted((a, b) => a - b);
      return Math.max(0, ...times.slice(1).map((at, index) => at - (times[index] ?? at)));
    },
    handover: () => {
      const first = answers.find(({ version }) => version !== answers[0]?.version)?.at ?? Number.NaN;
      return first - Math.max(...answers.map(({ at }) => at).filter((at) => at < first));
    },
    versions: () => [...new Set(answers.map(({ version }) => version))],
    stop: async () => {
      clearInterval(timer);
      await Promise.all(pending);
    },
  };
}

/** Names in the host's releases directory, hidden ones too. */
export function releasesOf(host: SystemdHost): string[] {
  return readdirSync(join(host.root, "opt/ledger/releases")).toSorted();
}
