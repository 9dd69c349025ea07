/**
 * Whether the executable holds bytecode or JavaScript. Bytecode starts faster, so it is tried first. Some sources cannot
 * be turned into bytecode, and a Bun without bytecode for ES modules refuses the option: then JavaScript will do.
 */
import type { BuildProblem, WorkerResult } from "../spec.ts";

export type Form = "bytecode" | "javascript";

/** Compiles to bytecode, or to JavaScript with the reason when the problems are about bytecode. */
export async function preferBytecode(compile: (form: Form) => Promise<WorkerResult>): Promise<WorkerResult> {
  const first = await compile("bytecode");
  const problem = first.ok ? undefined : first.problems.find(isAboutBytecode);
  if (problem === undefined) return first;
  const second = await compile("javascript");
  return second.ok ? { ...second, withoutBytecode: problem.message } : second;
}

function isAboutBytecode(problem: BuildProblem): boolean {
  return /\bbytecode\b/i.test(problem.message);
}
