/** Runs lines of TypeScript in this directory under the real Bun, because Node 20 has no zstd. */
import { spawn } from "node:child_process";
import { buffer, text } from "node:stream/consumers";

const BUN = new URL("../../../node_modules/bun/bin/bun.exe", import.meta.url).pathname;

/** @param source calls `report` with what is returned here, as JSON carries it */
export async function runUnderBun<T>(source: string): Promise<T> {
  const script = `const report = (value) => process.stdout.write(JSON.stringify(value));\n${source}`;
  const child = spawn(BUN, ["--config=/dev/null", "--env-file=/dev/null", "--no-install", "-e", script], {
    cwd: import.meta.dirname,
    env: { ...process.env, BUN_RUNTIME_TRANSPILER_CACHE_PATH: "0" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, complaint] = await Promise.all([buffer(child.stdout), text(child.stderr)]);
  try {
    return JSON.parse(out.toString()) as T;
  } catch {
    throw new Error(`Bun did not report: ${complaint}`);
  }
}
