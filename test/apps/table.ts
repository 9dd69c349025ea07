/** Every public app, the lightest groups first. */
import type { App } from "./app.ts";
import { BUN_MODULES } from "./bun-modules.ts";
import { GENERATED } from "./generated.ts";
import { MODULES } from "./modules.ts";
import { SERVERS } from "./servers.ts";
import { STARTERS } from "./starters.ts";

export const APPS: readonly App[] = [...STARTERS, ...BUN_MODULES, ...MODULES, ...GENERATED, ...SERVERS];
