/**
 * Who gets a registry's login when its challenge names another place for tokens: the registry's own host, the places
 * that large registries are known to use, and a host that the person has named with a login of its own. Nobody else: a
 * registry, or whoever answers for it, could otherwise send a password anywhere.
 */
import type { Environment } from "../../base/environment.ts";
import type { Login, RegistryAddress } from "../address.ts";
import { readDockerLogin } from "./docker-config.ts";
import { readNetrc } from "../http/netrc.ts";

/** As their challenges say: Docker Hub, GitLab, DigitalOcean. Others issue tokens on the registry's own host. */
const KNOWN: ReadonlyMap<string, string> = new Map([
  ["registry-1.docker.io", "auth.docker.io"],
  ["registry.gitlab.com", "gitlab.com"],
  ["registry.digitalocean.com", "api.digitalocean.com"],
]);

/**
 * The login that goes to `realm`: the registry's, or the one that a `machine` line of the netrc or an entry of Docker's
 * config.json has for that host; undefined when it gets none.
 */
export function loginForRealm(
  realm: URL,
  login: Login | undefined,
  { origin }: RegistryAddress,
  environment: Environment,
): Login | undefined {
  const own = realm.hostname === origin.hostname;
  const known = realm.protocol === "https:" && KNOWN.get(origin.hostname) === realm.host;
  if (login === undefined || own || known) return login;
  const docker = readDockerLogin(realm.host, environment);
  if (docker?.kind === "login") return docker.login;
  return readNetrc(realm.hostname, environment, "named");
}

/** What to do when such a place got none, and the registry then wants one. */
export function withheldFix(realm: URL): string {
  return `if ${realm.hostname} belongs to the registry, give it a login of its own in ~/.netrc: machine ${realm.hostname} login USER password PASSWORD`;
}
