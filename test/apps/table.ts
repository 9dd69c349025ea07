/** Every public app, the lightest groups first. */
import type { App } from "./app.ts";
import { BUN_MODULES } from "./bun-modules.ts";
import { GENERATED } from "./generated.ts";
import { MODULES } from "./modules.ts";
import { ORIGINAL } from "./original.ts";
import { SERVERS } from "./servers.ts";
import { STARTERS } from "./starters.ts";

export const APPS: readonly App[] = [
  ...STARTERS,
  ...BUN_MODULES,
  ORIGINAL,
  ...MODULES,
  ...GENERATED,
  ...SERVERS,
];
