/**
 * `./gantry upgrade`, `./gantry rollback` and `./gantry recover`: they change the current generation of the service.
 */
import { statSync } from "node:fs";
import { resolve } from "node:path";
import { defineCommand } from "../../base/command-line.ts";
import { GantryError } from "../../base/errors.ts";
import { encodePublicKey, parsePublicKey } from "../../release/index.ts";
import {
  type Allowance,
  learnStatement,
  planRollback,
  planStatement,
  planUpgrade,
  readRecord,
  readSmallNamed,
  rollbackService,
  type Source,
  type TrustOptions,
  upgradeService,
  withService,
} from "../../service/index.ts";
import {
  DRY_RUN_FLAG,
  JSON_FLAG,
  KEEP_FLAG,
  openService,
  openServiceAsRoot,
  readKeep,
  runService,
} from "../service-session.ts";
import type { Session } from "../session.ts";

export function upgradeCommand(session: Session) {
  return defineCommand({
    meta: {
      name: "upgrade",
      description:
        "Puts another release in charge of the service, and comes back by itself when it is not well",
    },
    args: {
      source: {
        type: "positional",
        valueHint: "ARCHIVE|URL|DIRECTORY|STATEMENT",
        description: "the release; or a statement about its publisher's keys, a .txt of gantry keygen",
        required: true,
      },
      "dry-run": DRY_RUN_FLAG,
      keep: KEEP_FLAG,
      "public-key": {
        type: "string",
        valueHint: "KEY|FILE",
        description: "the key that has to have signed it, instead of the one that is pinned",
      },
      "allow-downgrade": { type: "boolean", description: "takes a version below the highest that ran here" },
      "drop-key": { type: "boolean", description: "takes a release that pins no key, where one is pinned" },
      json: JSON_FLAG,
    },
    run: ({ args }) =>
      runService(session, args.json, async () => {
        const keep = readKeep(args.keep);
        const source = readSource(args.source, session.directory);
        const trust = readTrustOptions(args, session.directory);
        const plan = args["dry-run"] === true;
        const context = plan ? openService(session) : openServiceAsRoot(session, `upgrade ${args.source}`);
        if (source.kind === "archive" && source.file.endsWith(".txt"))
          return plan ? planStatement(context, source.file).result : learnStatement(context, source.file);
        return plan
          ? planUpgrade(context, source, trust)
          : upgradeService(context, source, { keep, ...trust });
      }),
  });
}

/**
 * Reads the flags by which a person decides what is trusted.
 * @param directory the directory from which a relative path of --public-key starts
 * @throws GantryError CONFIG_INVALID when --public-key is no public key; DIGEST_MISMATCH when it names what is no
 *   regular file, or a file larger than KEY_BYTES
 */
function readTrustOptions(
  args: {
    readonly "public-key"?: string | undefined;
    readonly "allow-downgrade"?: boolean | undefined;
    readonly "drop-key"?: boolean | undefined;
  },
  directory: string,
): TrustOptions {
  const allowed = new Set<Allowance>();
  if (args["allow-downgrade"] === true) allowed.add("downgrade");
  if (args["drop-key"] === true) allowed.add("drop-key");
  return { allowed, publicKey: readPublicKey(args["public-key"], directory) };
}

/** Most bytes of a public key file, which holds a comment and one line. A larger file is refused. */
const KEY_BYTES = 20_000;

function readPublicKey(text: string | undefined, directory: string): string | undefined {
  if (text === undefined) return undefined;
  const file = /^RW[A-Za-z0-9+/]{54}$/.test(text)
    ? undefined
    : readSmallNamed(resolve(directory, text), KEY_BYTES);
  return encodePublicKey(parsePublicKey(file?.toString("utf8") ?? text, text));
}

/**
 * The source that the argument names: an http or https address, a directory, or a file.
 * @param directory the directory from which a relative path starts
 * @throws GantryError RELEASE_FILE_MISSING for a path that is neither a directory nor a file
 */
function readSource(text: string, directory: string): Source {
  if (/^https?:\/\//.test(text)) return { kind: "url", address: text };
  const path = resolve(directory, text);
  const facts = statSync(path, { throwIfNoEntry: false });
  if (facts?.isDirectory() === true) return { kind: "directory", root: path };
  if (facts?.isFile() === true) return { kind: "archive", file: path };
  const what = facts === undefined ? "there is no such file" : "this is neither a file nor a directory";
  throw new GantryError({
    code: "RELEASE_FILE_MISSING",
    what,
    where: path,
    fix: "name a release's archive, its address, or the directory that it was unpacked to",
  });
}

export function rollbackCommand(session: Session) {
  return defineCommand({
    meta: {
      name: "rollback",
      description: "Puts the last healthy generation before this one in charge again",
    },
    args: {
      version: {
        type: "positional",
        valueHint: "VERSION",
        description: "which one, when not the last",
        required: false,
      },
      "dry-run": DRY_RUN_FLAG,
      json: JSON_FLAG,
    },
    run: ({ args }) =>
      runService(session, args.json, () => {
        const version = args.version === "" ? undefined : args.version;
        if (args["dry-run"] === true) return planRollback(openService(session), version);
        return rollbackService(openServiceAsRoot(session, "rollback"), version);
      }),
  });
}

/**
 * `./gantry recover`: recovers from an interrupted change. The units of src/service/systemd/installed-units.ts run it at boot.
 * @param host `booting`: systemd has not started the service yet, and recovery must not start it. `running`: later
 */
export async function recover(session: Session, host: "booting" | "running"): Promise<void> {
  const context = { ...openServiceAsRoot(session, "recover"), host };
  if (readRecord(context.layout) === undefined) return;
  await withService(context, async () => undefined);
}
