/**
 * The door of the service room: installs a release as a systemd service, upgrades it, watches its health and removes
 * it.
 */
/** The part of `./gantry clean` that concerns an installed service. */
export { cleanService } from "./clean.ts";
/** What every command of a service is given, and the user who runs it, also by sudo(8), for the history. */
export { readWho, type ServiceContext } from "./service-context.ts";
/** The result of one HTTP health request, for `./gantry health` and its output. */
export type { HealthResult } from "./health/client.ts";
/** `./gantry install`: makes a release a running, supervised service. */
export { installService } from "./install.ts";
/** Reads the release that is in charge of an installed service. */
export { readInstalled } from "./installed-service.ts";
/** The refusals that a person can lift with an option of `upgrade`. */
export type { Allowance } from "./releases/downgrade-check.ts";
/** `./gantry upgrade STATEMENT`: adds a publisher's statement about its keys, or says what it would add. */
export { learnStatement, planStatement } from "./keys/learn.ts";
/** The key and the allowances that the command line of an upgrade names. */
export type { TrustOptions } from "./keys/trust.ts";
/** Every path of an installed service, for commands that read or name them. */
export { serviceLayout, type ServiceLayout } from "./service-layout.ts";
/** Checks that only root can change the directories of a service, before root runs anything in them. */
export { checkOwned } from "./names/root-owned.ts";
/** The steps that each command would take, for `--dry-run`. */
export { planClean, planInstall, planRollback, planUninstall, planUpgrade } from "./dry-run.ts";
/** A release to install or upgrade to: a directory, an archive or an address. */
export type { Source } from "./releases/import/release-source.ts";
/** Reads a small file that a person named, safely when others can change it. */
export { readSmallNamed } from "./releases/import/source-tree.ts";
/** The result of a command of a service, for its output and for `--json`. */
export { formatResult, type ServiceResult } from "./result.ts";
/** `./gantry status`: reads the state of a service and formats it. */
export { formatStatus, readStatus, type ServiceStatus } from "./status.ts";
/** Checks that systemd runs this host, and that the user is root, before a command begins. */
export { checkSystemd, requireRoot } from "./systemd/systemctl.ts";
/** Reads the changes of a service, for `./gantry history`. */
export { type History, type HistoryEntry, readHistory } from "./transaction/history.ts";
/** Runs a command with the service's lock, after recovery from an interrupted change. */
export { withService } from "./transaction/locked.ts";
/** Reads the record of a change that is under way or was interrupted. */
export { readRecord } from "./transaction/record.ts";
/** `./gantry uninstall`: lists what it would remove, checks that there is a service, and removes it. */
export { planRemovals, requireTraces, uninstallService } from "./uninstall.ts";
/** `./gantry upgrade` and `rollback`: put another generation in charge. */
export { rollbackService, upgradeService } from "./upgrade.ts";
