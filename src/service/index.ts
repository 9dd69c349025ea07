/** The door of the service room: what others may use of it. */
/** What the commands of a service work with. */
export { readWho, type ServiceContext } from "./service-context.ts";
/** Asks a running app over HTTP whether it is well. */
export type { Asked } from "./health/client.ts";
/** `install`. */
export { installService } from "./install.ts";
/** What is installed now, read before anything is decided. */
export { readInstalled } from "./installed-service.ts";
/** Whether a release may follow what a service ran, and what became of its keys. */
export type { Allowance } from "./keys/decide.ts";
/** `upgrade STATEMENT`. */
export { learnStatement, planStatement } from "./keys/learn.ts";
/** Decides whether a release may come in. */
export type { TrustOptions } from "./keys/trust.ts";
/** Every path of an installed service, in one place, below a root that is `/` on a host. */
export { serviceLayout, type ServiceLayout } from "./service-layout.ts";
/** The directories of a service that are root's. */
export { checkOwned } from "./names/owned.ts";
/** `--dry-run`. */
export { planClean, planInstall, planRollback, planUninstall, planUpgrade } from "./plan.ts";
/** Where a release comes from, and how its archive gets here. */
export type { Source } from "./releases/import/release-source.ts";
/** Reading a directory that somebody else may be changing at this very moment. */
export { readSmallNamed } from "./releases/import/source-tree.ts";
/** What a command says at its end, as a value for --json and as lines for people. */
export { formatResult, type ServiceResult } from "./result.ts";
/** `status`. */
export { formatStatus, readStatus } from "./status.ts";
/** systemd as far as it is needed here. */
export { checkSystemd, requireRoot } from "./systemd/systemctl.ts";
/** history.jsonl. */
export { type HistoryEntry, readHistory } from "./transaction/history.ts";
/** One change of a service at a time. */
export { withService } from "./transaction/locked.ts";
/** The write-ahead record of a change of generations. */
export { readRecord } from "./transaction/record.ts";
/** `uninstall` and `clean`. */
export { cleanService, planRemovals, requireTraces, uninstallService } from "./uninstall.ts";
/** `upgrade` and `rollback`. */
export { rollbackService, upgradeService } from "./upgrade.ts";
