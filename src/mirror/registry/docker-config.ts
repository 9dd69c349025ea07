/**
 * Logins that `docker login` keeps: the `auths` of $DOCKER_CONFIG/config.json or ~/.docker/config.json. Credential
 * helpers are programs of their own and are not run; that they would be needed is said where a registry wants a login.
 */
import { join } from "node:path";
import { GantryError } from "../../base/errors.ts";
import type { Environment } from "../../base/environment.ts";
import type { Login } from "../address.ts";
import { readRegularText } from "../../base/files/index.ts";

export type DockerLogin =
  | { readonly kind: "login"; readonly login: Login }
  | { readonly kind: "token"; readonly token: string }
  /** Why a login that there seems to be cannot be used. */
  | { readonly kind: "refused"; readonly what: string; readonly where: string };

/**
 * @param host host and port of a registry
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

/** Keys are hosts, or addresses as of old: `https://registry.example/v1/`. */
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
