/** A directory for what several test files have in common, for as long as the tests run. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    /** That directory; the unit tests alone have one. */
    shared?: string;
  }
}

export default function setup(project: TestProject): () => void {
  const shared = mkdtempSync(join(tmpdir(), "gantry-shared-"));
  project.provide("shared", shared);
  return () => rmSync(shared, { recursive: true, force: true });
}
