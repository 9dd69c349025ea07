/**
 * What a test makes and what is removed after it. A hook at the top of a file of `test/support` would be set for the
 * first test file alone: the unit tests share the modules that they import (vitest.config.ts, "isolate").
 */
const removals: (() => void)[] = [];

/** Calls `remove` after the test that runs. */
export function removeAfterTest(remove: () => void): void {
  removals.push(remove);
}

export function removeMade(): void {
  for (const remove of removals.splice(0)) remove();
}
