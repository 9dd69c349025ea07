/** Releases that are really signed, by as many publishers' keys as a test wants. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { signFile } from "../../../src/build/sign/sign.ts";
import { keygen } from "../../../src/index.ts";
import { parseTarget } from "../../../src/release/targets.ts";
import type { Candidate } from "../../../src/service/releases/candidate.ts";
import type { ServiceContext } from "../../../src/service/service-context.ts";
import { appendHistory } from "../../../src/service/transaction/history.ts";
import type { Source } from "../../../src/service/releases/import/release-source.ts";
import { serviceLayout } from "../../../src/service/service-layout.ts";
import { importRelease } from "../../../src/service/releases/import-release.ts";
import { openTrust, type TrustOptions } from "../../../src/service/keys/trust.ts";
import { rememberPins } from "../../../src/service/keys/memory.ts";

export interface TestKey {
  readonly secret: string;
  readonly line: string;
}

interface Release {
  readonly version: string;
  readonly pins?: string | readonly string[];
  readonly signer?: TestKey;
  /** Files of statements; each goes with its signature. */
  readonly statements?: readonly string[];
}

export interface Publisher {
  readonly root: string;
  readonly context: ServiceContext;
  readonly makeKey: (name: string) => Promise<TestKey>;
  /** A signed release as a directory. */
  readonly make: (release: Release) => Promise<Source>;
  /** The same as a signed archive. */
  readonly pack: (release: Release) => Promise<Source>;
  /** Puts a release into the releases directory, as an upgrade does. */
  readonly place: (source: Source, options?: TrustOptions) => Promise<Candidate>;
  /** What an upgrade does once the release is healthy. */
  readonly charge: (candidate: Candidate) => Promise<void>;
  /** What a rollback does: it remembers no key. */
  readonly rollBack: (candidate: Candidate) => void;
  readonly keys: () => unknown;
  readonly dispose: () => void;
}

const digest = (data: string | Buffer) => createHash("sha256").update(data).digest("hex");

export function makePublisher(): Publisher {
  const root = mkdtempSync(join(tmpdir(), "gantry-signed-"));
  const layout = serviceLayout("app", join(root, "host"));
  mkdirSync(layout.state, { recursive: true });
  mkdirSync(join(root, "host/run"));
  const quiet = {
    step: () => undefined,
    progress: () => undefined,
    warn: () => undefined,
    debug: () => undefined,
  };
  const context: ServiceContext = {
    layout,
    own: { root: "", name: "app", binary: "app", target: parseTarget("linux-x64-gnu") },
    environment: {},
    reporter: quiet,
    signal: new AbortController().signal,
    uid: 0,
    who: { user: "root", uid: 0 },
    requireLock: () => undefined,
    host: "booting",
  };
  let made = 0;
  let installed: Candidate | undefined;
  const write = async ({ version, pins, signer, statements = [] }: Release): Promise<string> => {
    made += 1;
    const directory = join(root, `made-${made}`, `app-v${version}`);
    const manifest = {
      name: "app",
      version,
      binary: "app",
      target: "linux-x64-gnu",
      service: { user: "app" },
      publicKey: pins,
      made,
    };
    const files: Record<string, string | Buffer> = {
      "lib/release.json": JSON.stringify(manifest),
      gantry: "#!/bin/sh\n",
    };
    for (const file of statements.flatMap((one) => [one, `${one}.minisig`]))
      files[`keys/${file.split("/").at(-1) ?? ""}`] = readFileSync(file);
    let sums = "";
    for (const [path, contents] of Object.entries(files)) {
      mkdirSync(dirname(join(directory, path)), { recursive: true });
      writeFileSync(join(directory, path), contents);
      sums += `${digest(contents)}  ${path}\n`;
    }
    writeFileSync(join(directory, "SHA256SUMS"), sums);
    if (signer !== undefined)
      await signFile({ file: join(directory, "SHA256SUMS"), secretKeyFile: signer.secret });
    return directory;
  };
  const putInCharge = (action: "upgrade" | "rollback", candidate: Candidate) => {
    installed = candidate;
    rmSync(layout.current, { force: true });
    symlinkSync(join("releases", candidate.generation), layout.current);
    appendHistory(layout, {
      schema: 1,
      at: "2026-01-01T00:00:00Z",
      action,
      from: null,
      to: candidate.generation,
      outcome: "done",
      seconds: 1,
      who: { user: "root", uid: 0 },
    });
  };
  return {
    root,
    context,
    makeKey: async (name) => {
      const secret = join(root, `${name}.key`);
      const { publicKey } = await keygen({ secretKeyFile: secret, publicKeyFile: join(root, `${name}.pub`) });
      return { secret, line: publicKey };
    },
    make: async (release) => ({ kind: "directory", root: await write(release) }),
    pack: async (release) => {
      const directory = await write(release);
      const file = `${directory}.tar.gz`;
      execFileSync("tar", ["-C", dirname(directory), "-czf", file, directory.split("/").at(-1) ?? ""]);
      if (release.signer !== undefined) await signFile({ file, secretKeyFile: release.signer.secret });
      return { kind: "archive", file };
    },
    place: async (source, options = {}) => {
      const trust = openTrust(layout, installed, options);
      return (await importRelease(context, source, trust, async () => undefined)).candidate;
    },
    charge: async (candidate) => {
      await rememberPins(layout, candidate);
      putInCharge("upgrade", candidate);
    },
    rollBack: (candidate) => putInCharge("rollback", candidate),
    keys: () => JSON.parse(readFileSync(layout.keys, "utf8")) as unknown,
    dispose: () => rmSync(root, { recursive: true, force: true }),
  };
}
