/**
 * Reads logins that `docker login` stored: the `auths` of $DOCKER_CONFIG/config.json or ~/.docker/config.json. Credential
 * helpers are separate programs and are not run; the error for a missing login names them.
 */
import { join } from "node:path";
import { GantryError } from "../../base/errors.ts";
import type { Environment } from "../../base/environment.ts";
import type { Login } from "../address.ts";
import { readRegularText } from "../../base/files/index.ts";

export type DockerLogin =
  | { readonly kind: "login"; readonly login: Login }
  | { readonly kind: "token"; readonly token: string }
  /** A login that Docker has and gantry cannot use, with the reason. */
  | { readonly kind: "refused"; readonly what: string; readonly where: string };

/**
 * Finds the login for a registry; undefined when there is none.
 * @param host host and port of the registry
 * @throws GantryError CONFIG_INVALID when the file is no JSON
 */
export function readDockerLogin(host: string, environment: Environment): DockerLogin | undefined {
  const named = environment["DOCKER_CONFIG"] ?? "";
  const home = environment["HOME"] ?? "";
  if (named === "" && home === "") return undefined;
  const path = join(named === "" ? join(home, ".docker") : named, "config.json");
  let text: string;
  try {
    text = readRegularText(path);
  } catch {
    return undefined;
  }
  return parseDockerLogin(text, host, path);
}

/** Pure. */
function parseDockerLogin(text: string, host: string, path: string): DockerLogin | undefined {
  const config = parseJson(text);
  if (config === undefined) {
    const what = "Docker's configuration is no JSON";
    throw new GantryError({ code: "CONFIG_INVALID", what, where: path, fix: "mend or remove it" });
  }
  const entry = Object.entries(recordOf(config["auths"])).find(([key]) => hostOf(key) === host)?.[1];
  const fields = recordOf(entry);
  const token = textOf(fields["registrytoken"]);
  if (token !== undefined) return { kind: "token", token };
  const auth = textOf(fields["auth"]);
  if (auth !== undefined && textOf(fields["identitytoken"]) === undefined) {
    const [user = "", ...password] = Buffer.from(auth, "base64").toString("utf8").split(":");
    return { kind: "login", login: { user, password: password.join(":") } };
  }
  const helper = textOf(recordOf(config["credHelpers"])[host]) ?? textOf(config["credsStore"]);
  if (helper === undefined && entry === undefined) return undefined;
  const keeper = helper === undefined ? "an identity token" : `the credential helper ${helper}`;
  return {
    kind: "refused",
    what: `Docker's login for ${host} is in ${keeper}, which gantry does not use`,
    where: path,
  };
}

/** The host of a key: keys are hosts, or addresses in an older form: `https://registry.example/v1/`. */
function hostOf(key: string): string {
  return key.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
}

export function parseJson(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return recordOf(JSON.parse(text));
  } catch {
    return undefined;
  }
}

export function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

export function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
