/**
 * Decides which token service gets a login, when a registry's challenge names one: the registry's own host, the known
 * service of a large registry, and hosts for which the person has stored a login of their own. No other host gets one,
 * because a registry, or an attacker in its name, could name any host.
 */
import type { Environment } from "../../base/environment.ts";
import type { Login, RegistryAddress } from "../address.ts";
import { readDockerLogin } from "./docker-config.ts";
import { readNetrc } from "../http/netrc.ts";

/** Token services by their challenges: Docker Hub, GitLab, DigitalOcean. Other registries use their own host. */
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

/** The fix when a token service got no login and requires one. */
export function withheldFix(realm: URL): string {
  return `if ${realm.hostname} belongs to the registry, give it a login of its own in ~/.netrc: machine ${realm.hostname} login USER password PASSWORD`;
}
