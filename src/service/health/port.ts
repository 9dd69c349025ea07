/** Checks a service's port: who has it while the service runs, and whether it is free before a start. */
import { GantryError } from "../../base/errors.ts";
import { readOptionalText } from "../../base/files/index.ts";
import type { ServiceSettings } from "../releases/candidate.ts";
import { askHealth } from "./client.ts";
import type { ServiceLayout } from "../service-layout.ts";
import { readUnit, runningPort, type UnitState } from "../systemd/systemctl.ts";
import { readDropIns } from "../systemd/installed-units.ts";
import { formatAddress, readListeners, readNetwork } from "../../base/proc/index.ts";
import { decidePort, hostsToAsk, isInTheWay, type PortState } from "./listeners.ts";
import { describePortOwner, readOwner } from "./port-owner.ts";
import { nextPort } from "./next-port.ts";

export interface Seen {
  readonly healthy: boolean;
  /** What was seen, without a full stop. */
  readonly why: string;
  /** What helps, when that is known. */
  readonly fix?: string;
}

/**
 * Checks who has the port of a running service. If the service has it, asks the app there. An app in a network
 * namespace of its own cannot be asked: it is healthy when it has the port.
 */
export async function checkPort(
  layout: Pick<ServiceLayout, "unit" | "env">,
  settings: { readonly port: number; readonly health?: string | undefined },
  state: UnitState,
  signal?: AbortSignal,
): Promise<Seen> {
  const port = runningPort(state) ?? settings.port;
  const isOwn = await readOwner(state, "this start");
  const here = decidePort(port, readListeners("self"), isOwn);
  // A socket that systemd passes to the service is in the host's network, also when the service has its own.
  if (
    hasOwnNetwork(state) &&
    (here.kind === "none" || (here.kind === "other" && here.beside === undefined))
  ) {
    const there = decidePort(port, readListeners(Number(state.MainPID)), isOwn);
    if (there.kind !== "own") return describeTrouble(layout, port, there);
    const why = `it listens at ${formatAddress(there.own[0])}, in a network of its own where it cannot be asked`;
    return { healthy: true, why };
  }
  if (here.kind !== "own") return describeTrouble(layout, port, here);
  const ask = { port, path: settings.health, hosts: hostsToAsk(here.own) };
  const { healthy, why } = await askHealth(signal === undefined ? ask : { ...ask, signal });
  return { healthy, why };
}

/** Whether the service has a network of its own (PrivateNetwork=, NetworkNamespacePath=). */
function hasOwnNetwork({ MainPID, PrivateNetwork, NetworkNamespacePath }: UnitState): boolean {
  const [its, ours] = [MainPID === "0" ? "" : readNetwork(Number(MainPID)), readNetwork("self")];
  if (its !== "" && ours !== "") return its !== ours;
  return PrivateNetwork === "yes" || NetworkNamespacePath !== "";
}

/** Most addresses that a message lists. */
const LISTED = 3;

async function describeTrouble(
  { unit, env }: Pick<ServiceLayout, "unit" | "env">,
  port: number,
  found: Exclude<PortState, { kind: "own" }>,
): Promise<Seen> {
  if (found.kind === "none") {
    const elsewhere = found.elsewhere.slice(0, LISTED).map(formatAddress).join(", ");
    if (elsewhere === "") return { healthy: false, why: `nobody listens on port ${port}` };
    return {
      healthy: false,
      why: `nobody listens on port ${port}; it listens at ${elsewhere}`,
      fix: `make the app listen on $PORT, or set PORT in ${env} to the port that it takes`,
    };
  }
  const { who, stop } = await describePortOwner(found.by, unit);
  const address = formatAddress(found.by);
  const why =
    found.beside === undefined
      ? `port ${port} is held by ${who}, and not by this service`
      : `${who} listens at ${address} beside this service, and gets connections that are meant for it`;
  return { healthy: false, why, fix: `${stop}, or set another PORT in ${env}` };
}

/**
 * Checks before a start that the port that the service will get is free, or is the service's already. Checks nothing
 * when no port is known, and when the service is airgapped or has a network of its own.
 * @throws GantryError SERVICE_UNHEALTHY, which names the process that has the port
 */
export async function requireFreePort(layout: ServiceLayout, settings: ServiceSettings): Promise<void> {
  if (settings.port === undefined || settings.exposure === "airgapped") return;
  const env = readOptionalText(layout.env) ?? "";
  const port = nextPort({ unit: settings.port, dropIns: readDropIns(layout), env });
  const state = await readUnit(layout.unit);
  if (port === undefined || hasOwnNetwork(state)) return;
  const isOwn = await readOwner(state, "any start");
  const listeners = readListeners("self").filter((listener) => listener.port === port);
  const own = listeners.filter(isOwn);
  const other = listeners.find((listener) => !isOwn(listener) && isInTheWay(listener, own));
  if (other === undefined) return;
  const { who, stop } = await describePortOwner(other, layout.unit);
  throw new GantryError({
    code: "SERVICE_UNHEALTHY",
    what: `port ${port} is held by ${who}, and ${layout.name} needs it`,
    where: formatAddress(other),
    fix: `${stop}, or set another PORT in ${layout.env}; then run this again`,
  });
}
