/** `gantry keygen`, `sign` and `verify` as citty definitions: their arguments and their output. */
import { statSync } from "node:fs";
import type { CommandDef } from "citty";
import { defineCommand } from "../base/command-line.ts";
import { GantryError } from "../base/errors.ts";
import { printable } from "../base/text.ts";
import { release } from "./arguments.ts";
import type { CommandContext } from "./command-context.ts";

const secretKey = {
  type: "string",
  valueHint: "FILE",
  default: "gantry.key",
  description: "the secret key; its password comes from GANTRY_KEY_PASSWORD",
} as const;

export function keygenCommand({ environment, print }: CommandContext): CommandDef {
  return defineCommand({
    meta: { name: "keygen", description: "Makes a key pair for signing releases, as minisign does" },
    args: {
      public: {
        type: "string",
        valueHint: "FILE",
        default: "gantry.pub",
        description: "where the public key goes",
      },
      secret: { ...secretKey, description: "where the secret key goes; GANTRY_KEY_PASSWORD protects it" },
      successor: {
        type: "string",
        valueHint: "FILE",
        description: "the old secret key, which says that the new one follows it",
      },
      revoke: {
        type: "string",
        valueHint: "KEY|FILE",
        description: "makes no key; the one in --secret says that this public key is revoked",
      },
      statements: {
        type: "string",
        valueHint: "DIR",
        default: "keys",
        description: 'where such a statement goes; "gantry.include" takes it into releases',
      },
    },
    async run({ args }) {
      const password = environment["GANTRY_KEY_PASSWORD"];
      const { keygen, revokeKey, succeedKey } = await import("../index.ts");
      const { successor, revoke, statements: directory } = args;
      if (revoke !== undefined) {
        return print(await revokeKey({ revoked: revoke, secretKeyFile: args.secret, directory, password }));
      }
      const pair = { publicKeyFile: args.public, secretKeyFile: args.secret, password };
      const made =
        successor === undefined
          ? await keygen(pair)
          : await succeedKey({ ...pair, predecessor: successor, directory });
      const said = "statement" in made ? `\nstatement   ${made.statement}` : "";
      const open =
        password === undefined ? "\nIt has no password: set GANTRY_KEY_PASSWORD to give it one." : "";
      print(
        `public key  ${made.publicKeyFile}  ${made.publicKey}\nsecret key  ${made.secretKeyFile}${said}${open}`,
      );
    },
  });
}

export function signCommand({ environment, log, print }: CommandContext): CommandDef {
  return defineCommand({
    meta: { name: "sign", description: "Signs a release (SHA256SUMS.minisig) or a file such as its archive" },
    args: {
      release,
      secret: secretKey,
      comment: {
        type: "string",
        valueHint: "TEXT",
        description: "the signed comment instead of time and name",
      },
    },
    async run({ args }) {
      const whole = isDirectory(args.release);
      const { needsPassword, signFile, signRelease } = await import("../index.ts");
      const password = needsPassword(args.secret) ? environment["GANTRY_KEY_PASSWORD"] : undefined;
      const key = { secretKeyFile: args.secret, password, trustedComment: args.comment };
      if (!whole) {
        const { file, keyId } = await signFile({ file: args.release, ...key });
        return print(`${file}\nkey ${keyId}`);
      }
      const { file, keyId, bundles, repacked } = await signRelease({ release: args.release, ...key });
      if (repacked?.removedSignature !== undefined)
        log.warn(`${repacked.removedSignature} no longer held and was removed: sign the archive again`);
      const written = [file, ...bundles, ...(repacked === undefined ? [] : [repacked.archive])];
      print(`${written.join("\n")}\nkey ${keyId}`);
    },
  });
}

export function verifyCommand({ print }: CommandContext): CommandDef {
  return defineCommand({
    meta: {
      name: "verify",
      description: "Checks a release's signature and every file of it, or a signed file",
    },
    args: {
      release,
      public: {
        type: "string",
        valueHint: "KEY|FILE",
        default: "gantry.pub",
        description: "the public key, or the file that holds it",
      },
    },
    async run({ args }) {
      const { verifyFile, verifyRelease } = await import("../index.ts");
      const verified = isDirectory(args.release)
        ? verifyRelease({ release: args.release, publicKey: args.public })
        : verifyFile({ file: args.release, publicKey: args.public });
      // minisign separates the parts of its own comments by tabs.
      const comment = printable(verified.trustedComment.replaceAll("\t", "  "));
      print(`good signature of key ${verified.keyId}: ${comment}`);
    },
  });
}

/** @throws GantryError USAGE when the path does not exist */
function isDirectory(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found !== undefined) return found.isDirectory();
  const what = `there is no release and no file "${path}"`;
  throw new GantryError({
    code: "USAGE",
    what,
    fix: "name a release's directory, or a file such as its archive",
  });
}
