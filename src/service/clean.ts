/** `./gantry clean`: removes what an installed service no longer needs. The service stays. */
import { isThere } from "../base/files/index.ts";
import { removeTree } from "./data/mounts.ts";
import { requireInstalled } from "./installed-service.ts";
import { removeResidue } from "./releases/generations.ts";
import type { ServiceResult } from "./result.ts";
import type { ServiceContext } from "./service-context.ts";
import { withService } from "./transaction/locked.ts";
import { removeOld, secondsSince } from "./upgrade.ts";

/**
 * Removes old generations, files that interrupted runs left, and data that a restoration kept (`replaced`).
 * @param keep how many generations stay
 */
export function cleanService(unlocked: ServiceContext, keep: number): Promise<ServiceResult> {
  return withService(unlocked, async (context) => {
    const { layout, requireLock } = context;
    const began = Date.now();
    const { generation } = requireInstalled(layout);
    requireLock();
    removeResidue(layout);
    const removed = await removeOld(context, keep);
    requireLock();
    const there = isThere(layout.replaced);
    await removeTree(layout.replaced);
    if (there && !isThere(layout.replaced)) removed.push(layout.replaced);
    return {
      schema: 1,
      action: "clean",
      name: layout.name,
      outcome: removed.length === 0 ? "unchanged" : "done",
      from: generation,
      to: generation,
      facts: [removed.length === 0 ? "there is nothing to remove" : `${generation} stays in charge`],
      removed,
      next: [],
      seconds: secondsSince(began),
    };
  });
}
