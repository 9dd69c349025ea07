/** Finds the port on which an app listens, and the path that says whether it is well. Pure, over the app's files. */
import type { Told } from "../clues/index.ts";
import { findInSources, type AppFiles } from "./app-files.ts";

/** Files that people copy to .env. */
export const ENV_EXAMPLES = [".env.example", ".env.sample", ".env.template", ".env.dist"] as const;

/** What the code takes when PORT is not set. */
const PORT_DEFAULT =
  /\benv(?:\.PORT|\[["']PORT["']\])\s*(?:\?\?|\|\|)\s*["'`]?(\d{2,5})|\bPORT["']?\s*,\s*["'`]?(\d{2,5})\b/;
/** Files that usually start a server. Others may open further ports: for discovery, or for tests. */
const MAIN_FILES = /(?:^|\/)(?:server|app|index|main|www|config|settings|defaults?)(?:\.[cm]?[jt]sx?)?$/;
/** A port that the code fixes. */
const PORT_FIXED =
  /\.listen\(\s*\{?\s*(?:port\s*:\s*)?["'`]?(\d{2,5})\b|\bport["']?\s*[:=]\s*["'`]?(\d{2,5})\b/i;

/** Finds the port: what .env.example, a Dockerfile or the sources say. */
export function findPort(files: AppFiles): Told<number> | undefined {
  for (const name of ENV_EXAMPLES) {
    const found = numberIn(files.read(name), /^\s*(?:export\s+)?PORT\s*=\s*["']?(\d{2,5})\b/m);
    if (found !== undefined) return { value: found, by: name };
  }
  for (const name of files.names.filter((one) => /^(?:Docker|Container)file$/.test(one))) {
    const text = files.read(name);
    const found =
      numberIn(text, /^\s*ENV\s+(?:.*\s)?PORT[= ]["']?(\d{2,5})\b/im) ??
      numberIn(text, /^\s*EXPOSE\s+(\d{2,5})/im);
    if (found !== undefined) return { value: found, by: name };
  }
  const code = findInSources(files, PORT_DEFAULT);
  const digits = code?.match.slice(1).find((group) => group !== undefined);
  if (code !== undefined && digits !== undefined) return { value: Number(digits), by: code.path };
  return findFixedPort(files);
}

/** The port in the files that usually start a server. Undefined when they name several. */
function findFixedPort({ sources }: AppFiles): Told<number> | undefined {
  const found = new Map<number, string>();
  for (const [path, text] of sources) {
    if (!MAIN_FILES.test(path) || path.split("/").length > 3) continue;
    const digits = PORT_FIXED.exec(text)
      ?.slice(1)
      .find((group) => group !== undefined);
    if (digits !== undefined && !found.has(Number(digits))) found.set(Number(digits), path);
  }
  const [first] = found;
  return first === undefined || found.size > 1 ? undefined : { value: first[0], by: first[1] };
}

function numberIn(text: string | undefined, pattern: RegExp): number | undefined {
  const digits = pattern.exec(text ?? "")?.[1];
  return digits === undefined ? undefined : Number(digits);
}

const PATHS = String.raw`\/(?:api\/|v1\/|_)?(?:health(?:z|-?check)?|healthcheck|livez|readyz|ping|up)`;
/** A route of a server: `.get("/health"`, `url: "/health"`, `"/health": …`, `pathname === "/health"`. */
const ROUTE = new RegExp(
  String.raw`(?:\.(?:get|all|head|use|route)\(\s*|\b(?:url|path|route)\s*:\s*|===\s*)["'\x60](${PATHS})["'\x60]|["'](${PATHS})["']\s*:`,
);
const NEST = /@Controller\(\s*["'`](\/?(?:health(?:z|check)?))["'`]/;
/** Frameworks make routes of files. */
const ROUTE_FILES: readonly RegExp[] = [
  /(?:^|\/)app\/(?:.*\/)?((?:api\/)?health(?:z|check)?)\/route\.[jt]sx?$/,
  /(?:^|\/)pages\/((?:api\/)?health(?:z|check)?)\.[jt]sx?$/,
  /(?:^|\/)server\/((?:api\/)?health(?:z|check)?)(?:\.get)?\.[jt]s$/,
  /(?:^|\/)src\/routes\/((?:api\/)?health(?:z|check)?)\/\+server\.[jt]s$/,
];

/** Finds the path that answers when all is well: that of a Dockerfile's HEALTHCHECK, or a route of this name. */
export function findHealth(files: AppFiles): Told<string> | undefined {
  for (const name of files.names.filter((one) => /^(?:Docker|Container)file$/.test(one))) {
    const path = /^\s*HEALTHCHECK\b(?:.*\\\n)*.*https?:\/\/[^/\s"']+(\/[\w./-]*)/im.exec(
      files.read(name) ?? "",
    )?.[1];
    if (path !== undefined) return { value: path, by: name };
  }
  for (const path of files.sources.keys()) {
    const route = ROUTE_FILES.map((pattern) => pattern.exec(path)?.[1]).find((one) => one !== undefined);
    if (route !== undefined) return { value: `/${route}`, by: path };
  }
  const found = findInSources(files, ROUTE) ?? findInSources(files, NEST);
  const route = found?.match.slice(1).find((group) => group !== undefined);
  if (found === undefined || route === undefined) return undefined;
  const prefix = findInSources(files, /\.setGlobalPrefix\(\s*["'`]\/?([\w/-]+)["'`]/)?.match[1];
  const path = route.startsWith("/") ? route : `/${route}`;
  return { value: prefix === undefined ? path : `/${prefix}${path}`, by: found.path };
}
