/** The hosts' tests use the same release as the end-to-end tests; roots are made when a test first asks for them. */
import type { TestProject } from "vitest/node";
import buildSampleRelease from "../app/setup.ts";

export default function setup(project: TestProject): () => void {
  if (process.getuid?.() !== 0) throw new Error("the hosts' tests need root");
  return buildSampleRelease(project);
}
