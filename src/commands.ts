/**
 * The build side's commands as citty definitions: what they take, what they print. What does the work is imported
 * when its command runs, so that `check` does not wait for the bundler's modules.
 */
import { statSync } from "node:fs";
import type { CommandDef } from "citty";
import { dockerCommand } from "./docker-command.ts";
import { defineCommand, flagList, flagValues } from "./command-line.ts";
import { GantryError } from "./errors.ts";
import type { Log } from "./log.ts";
import type { Environment } from "./runtime/invoke.ts";
import { printable } from "./text.ts";

export interface CommandContext {
  /** The process that runs the command: the default runtime of `check`. */
  readonly self: { readonly path: string; readonly versions: NodeJS.ProcessVersions; readonly arch: string };
  /** Columns and colour of standard output, where it is a terminal. */
  readonly terminal: { readonly columns: number | undefined; readonly colour: boolean };
  readonly setExit: (status: number) => void;
  readonly environment: Environment;
  readonly log: Log;
  /** Receives whole texts without a final line feed. */
  readonly print: (text: string) => void;
}

/** Named in the design, not in this version. */
export const LATER = ["history"] as const;

const app = {
  type: "positional",
  required: false,
  default: ".",
  description: "the app's directory",
} as const;
const target = {
  type: "string",
  valueHint: "T,…",
  description: "platform of the release; may be given more than once",
} as const;
const bun = {
  type: "string",
  valueHint: "PATH",
  description: "the Bun to use instead of the app's own",
} as const;
const secretKey = {
  type: "string",
  valueHint: "FILE",
  default: "gantry.key",
  description: "the secret key; its password comes from GANTRY_KEY_PASSWORD",
} as const;
const release = {
  type: "positional",
  required: true,
  description: "a release's directory, or a file",
} as const;

export function buildSideCommands(context: CommandContext): Record<string, CommandDef> {
  return {
    build: buildCommand(context),
    analyze: analyzeCommand(context),
    bundle: bundleCommand(context),
    docker: dockerCommand(context),
    check: checkCommand(context),
    keygen: keygenCommand(context),
    sign: signCommand(context),
    verify: verifyCommand(context),
  };
}

function buildCommand({ environment, log, print }: CommandContext): CommandDef {
  return defineCommand({
    meta: { name: "build", description: "Makes the release directory and its archive" },
    args: {
      app,
      target,
      out: { type: "string", valueHint: "DIR", default: "releases", description: "where the results go" },
      bun,
      vendor: {
        type: "boolean",
        valueHint: "T,…",
        description: "put the bundle of its own target, or those of the named ones, into the release",
      },
      prune: {
        type: "boolean",
        default: true,
        negativeDescription: "ship the modules with their sources, maps, declarations and documentation",
      },
      install: {
        type: "enum",
        options: ["first-run", "image", "vendor"],
        description: "how the release gets its modules",
      },
      "public-key": {
        type: "string",
        valueHint: "KEY|FILE",
        description: "the minisign key that bundles and upgrades must be signed by",
      },
    },
    async run({ args, rawArgs }) {
      const targets = flagValues(rawArgs, "target");
      const { buildRelease } = await import("./index.ts");
      const built = await buildRelease({
        appDir: args.app,
        targets,
        out: args.out,
        bun: args.bun,
        vendor: flagList(rawArgs, "vendor"),
        install: args.install,
        prune: args.prune ? "on" : "off",
        publicKey: args["public-key"],
        environment,
        log,
      });
      for (const { directory, archive } of built) print(`${directory}\n${archive}`);
    },
  });
}

function bundleCommand({ environment, log, print }: CommandContext): CommandDef {
  return defineCommand({
    meta: { name: "bundle", description: "Adds bundles to a release, on a machine with a network" },
    args: {
      release,
      target: {
        ...target,
        description: "whose bundle; the release's own when left out; may be given more than once",
      },
      out: {
        type: "string",
        valueHint: "DIR",
        description: "write bundles that travel alone there, instead",
      },
      push: {
        type: "string",
        valueHint: "oci://HOST/REPOSITORY:TAG",
        description: "put them into a registry, instead; Docker's login is used",
      },
      bun: { ...bun, description: "the Bun to use instead of the release's own binary" },
    },
    async run({ args, rawArgs }) {
      const { addBundles, pushBundles } = await import("./index.ts");
      const targets = flagValues(rawArgs, "target");
      const options = { release: args.release, targets, out: args.out, bun: args.bun, environment, log };
      if (args.push !== undefined) {
        const { signal } = new AbortController();
        print(await pushBundles({ ...options, push: args.push, signal }));
        return;
      }
      const { files, removedSignatures, repacked } = await addBundles(options);
      const outdated = repacked?.removedSignature;
      const removed = [...removedSignatures, ...(outdated === undefined ? [] : [outdated])];
      if (removed.length > 0)
        log.warn(`sign the release again: removed ${removed.join(" and ")}, which no longer held`);
      print([...files, ...(repacked === undefined ? [] : [repacked.archive])].join("\n"));
    },
  });
}

function analyzeCommand({ environment, print }: CommandContext): CommandDef {
  return defineCommand({
    meta: { name: "analyze", description: "Explains which modules must stay outside the binary" },
    args: { app, target, bun, json: { type: "boolean", description: "for programs" } },
    async run({ args, rawArgs }) {
      const [name] = flagValues(rawArgs, "target");
      const { analyze } = await import("./index.ts");
      const report = await analyze({ appDir: args.app, target: name, bun: args.bun, environment });
      print(args.json === true ? JSON.stringify(report.json, null, 2) : report.text);
    },
  });
}

function checkCommand({ environment, print, self, terminal, setExit }: CommandContext): CommandDef {
  return defineCommand({
    meta: {
      name: "check",
      description: "Will these native files load here, in that runtime? Runs none of them",
    },
    args: {
      files: { type: "positional", required: true, description: "native modules, or directories of them" },
      runtime: {
        type: "string",
        valueHint: "EXE",
        description: "the Node, Bun or compiled app that will load them",
      },
      host: {
        type: "string",
        valueHint: "FACTS.json",
        description: "another host's `./gantry doctor --json` instead of this machine",
      },
      json: { type: "boolean", description: "for programs" },
    },
    async run({ args }) {
      const { runCheck } = await import("./check/check.ts");
      const { exit, output } = await runCheck({
        paths: args._,
        runtime: args.runtime,
        hostFactsFile: args.host,
        json: args.json === true,
        environment,
        self,
        columns: terminal.columns,
        colour: terminal.colour,
      });
      print(output.trimEnd());
      setExit(exit);
    },
  });
}

function keygenCommand({ environment, print }: CommandContext): CommandDef {
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
    },
    async run({ args }) {
      const password = environment["GANTRY_KEY_PASSWORD"];
      const { keygen } = await import("./index.ts");
      const made = await keygen({ publicKeyFile: args.public, secretKeyFile: args.secret, password });
      const open =
        password === undefined ? "\nIt has no password: set GANTRY_KEY_PASSWORD to give it one." : "";
      print(`public key  ${made.publicKeyFile}  ${made.publicKey}\nsecret key  ${made.secretKeyFile}${open}`);
    },
  });
}

function signCommand({ environment, log, print }: CommandContext): CommandDef {
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
      const { needsPassword, signFile, signRelease } = await import("./index.ts");
      const password = needsPassword(args.secret) ? environment["GANTRY_KEY_PASSWORD"] : undefined;
      const key = { secretKeyFile: args.secret, password, trustedComment: args.comment };
      if (!isDirectory(args.release)) {
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

function verifyCommand({ print }: CommandContext): CommandDef {
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
      const { verifyFile, verifyRelease } = await import("./index.ts");
      const verified = isDirectory(args.release)
        ? verifyRelease({ release: args.release, publicKey: args.public })
        : verifyFile({ file: args.release, publicKey: args.public });
      print(`good signature of key ${verified.keyId}: ${printable(verified.trustedComment)}`);
    },
  });
}

/** @throws GantryError USAGE when there is nothing of that name */
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
