/**
 * `./gantry health`: asks the running app over HTTP whether it is healthy, so that HEALTHCHECK lines and probes need no
 * curl. What the flags do not name comes from $PORT and the release's manifest. Modules and the service are not read.
 */
import { defineCommand } from "../../base/command-line.ts";
import { GantryError } from "../../base/errors.ts";
import { readRelease } from "../../modules/index.ts";
import type { HealthResult } from "../../service/index.ts";
import type { Session } from "../session.ts";
import { jsonText } from "../../base/text.ts";

interface HealthArguments {
  readonly url: string | undefined;
  readonly port: string | undefined;
  readonly path: string | undefined;
  readonly timeout: string | undefined;
}

/** What `--json` prints. */
export type HealthJson = { readonly schema: 1 } & HealthResult;

export function healthCommand(session: Session) {
  return defineCommand({
    meta: { name: "health", description: "Asks the running app; exit status 0 when it is well, 69 when not" },
    args: {
      port: {
        type: "string",
        valueHint: "PORT",
        description: "on this host; else $PORT, else the release's own",
      },
      path: { type: "string", valueHint: "/PATH", description: "answers 2xx when all is well" },
      url: { type: "string", valueHint: "URL", description: "the whole address instead" },
      timeout: { type: "string", valueHint: "SECONDS", description: "for the whole answer; 3 if left out" },
      json: { type: "boolean", description: "for programs" },
    },
    run: async ({ args }) => {
      const { url, port, path, timeout } = args;
      const asked = await ask(session, { url, port, path, timeout });
      if (args.json === true) session.print(jsonText({ schema: 1, ...asked } satisfies HealthJson, 0));
      else if (asked.healthy) session.print(asked.why);
      if (asked.healthy) return;
      throw new GantryError({
        code: "SERVICE_UNHEALTHY",
        what: asked.why,
        fix: `look at the app's log; in a service: journalctl -e -u ${unitName(session.root)}`,
      });
    },
  });
}

/** The name of the unit, which is the name of the app's start script. `NAME` when the release is damaged. */
function unitName(root: string): string {
  try {
    return readRelease(root).manifest.binary;
  } catch {
    return "NAME";
  }
}

async function ask(session: Session, args: HealthArguments): Promise<HealthResult> {
  const { askAddress, askHealth } = await import("../../service/health/client.ts");
  const limit = readNumber("--timeout", args.timeout, 600) ?? 3;
  const bounds = { limit: limit * 1000, signal: session.signal };
  if (args.url === undefined) return askHealth({ ...readAppAddress(session, args), ...bounds });
  if (args.port !== undefined || args.path !== undefined) {
    throw wrong("--url is the whole address; --port and --path do not go with it");
  }
  if (!URL.canParse(args.url) || !/^https?:$/.test(new URL(args.url).protocol)) {
    throw wrong("--url is no http or https address");
  }
  return askAddress({ address: new URL(args.url), ...bounds });
}

/**
 * The address of the app. The port is --port, else $PORT, which units and images set, else the manifest's. The path is
 * --path, else the manifest's.
 */
function readAppAddress(session: Session, args: HealthArguments) {
  if (args.path !== undefined && !/^\/[\x21-\x7e]*$/.test(args.path)) {
    throw wrong('--path has to begin with "/", and holds no spaces');
  }
  const named = readNumber("--port", args.port, 65_535);
  const told = /^[1-9]\d{0,4}$/.exec(session.environment["PORT"] ?? "")?.[0];
  const service =
    named === undefined || args.path === undefined ? readRelease(session.root).manifest.service : undefined;
  const port = named ?? (told === undefined ? service?.port : Number(told));
  if (port !== undefined) return { port, path: args.path ?? service?.health };
  throw new GantryError({
    code: "USAGE",
    what: "this release does not say on which port its app listens",
    fix: 'name it with --port, or set "gantry.service.port" where the release is built',
  });
}

function readNumber(name: string, text: string | undefined, most: number): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (value >= 1 && value <= most) return value;
  throw wrong(`${name} is "${text}"; it has to be a whole number from 1 to ${most}`);
}

function wrong(what: string): GantryError {
  return new GantryError({ code: "USAGE", what, fix: "./gantry health --help shows what it takes" });
}
