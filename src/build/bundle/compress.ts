/**
 * Compresses the tar of a bundle. For zstd a child process of Bun compresses, because Node 20 has no zstd. All
 * parameters are set explicitly, so the result does not depend on what a compression level means in another version.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { GantryError } from "../../base/errors.ts";
import type { Compression } from "../../release/index.ts";
import { BE_BUN, scriptArguments, toolEnvironment } from "../../runtime/index.ts";
import { outputLines, run } from "../../base/process/index.ts";
import type { Environment } from "../../base/environment.ts";
import type { Scratch } from "../scratch.ts";

/** A Bun executable, or a program that was compiled with one. The compressed bytes depend on its version. */
export interface Compressor {
  readonly executable: string;
  readonly environment: Environment;
  /** Makes and removes the private directories of this run. */
  readonly scratch: Scratch;
}

/**
 * Size and time of packing the sample's tree of 13.5 MB with Bun 1.4.5 (unpacking takes 21 to 32 ms in each case): zstd
 * level 3 4.35 MB 0.1 s · 12 3.82 MB 0.4 s · 15 3.79 MB 2.6 s · 17 3.59 MB 3.5 s · 19 3.47 MB 4.4 s · the parameters
 * below 3.61 MB 1.5 s · gzip -6 4.91 MB 0.2 s · gzip -9 4.75 MB 0.5 s. Every build uses the same parameters, with
 * --vendor or without, because a bundle that is made later must have the digest that the manifest names.
 */
const PARAMETERS = {
  compressionLevel: 16,
  windowLog: 23,
  strategy: 7,
  searchLog: 3,
  targetLength: 48,
  minMatch: 3,
  hashLog: 18,
  chainLog: 20,
} as const;
const GZIP_LEVEL = 9;

const SCRIPT = `import { readFileSync, writeFileSync } from "node:fs";
import { constants, zstdCompressSync } from "node:zlib";
const [from, to, parameters] = process.argv.slice(2);
const params = Object.fromEntries(
  Object.entries(JSON.parse(parameters)).map(([name, value]) => [constants["ZSTD_c_" + name], value]),
);
writeFileSync(to, zstdCompressSync(readFileSync(from), { params }));
`;

/**
 * Compresses a whole file: into one zstd frame with the size in its header, or into one gzip member without a name or
 * time.
 * @throws GantryError INTERNAL with what the child printed, EXEC_FAILED when the child cannot be started
 */
export async function compressFile(
  file: string,
  compression: Compression,
  compressor: Compressor,
): Promise<Buffer> {
  if (compression === "gz") {
    const data = gzipSync(readFileSync(file), { level: GZIP_LEVEL });
    // The field for the operating system (RFC 1952, 2.3.1). It is always Unix, so that the bytes are the same
    // everywhere.
    data[9] = 3;
    return data;
  }
  const directory = compressor.scratch.makePrivate();
  try {
    return await compressInChild(file, directory, compressor);
  } finally {
    compressor.scratch.remove(directory);
  }
}

async function compressInChild(file: string, directory: string, compressor: Compressor): Promise<Buffer> {
  const { executable, environment } = compressor;
  const [script, result] = [join(directory, "compress.mjs"), join(directory, "result")];
  writeFileSync(script, SCRIPT);
  const args = scriptArguments(script, file, result, JSON.stringify(PARAMETERS));
  const child = await run(executable, args, {
    cwd: directory,
    environment: toolEnvironment(environment, BE_BUN),
  }).catch((error: unknown) => {
    const what = `the bundle could not be compressed: ${error instanceof Error ? error.message : String(error)}`;
    throw new GantryError({ code: "EXEC_FAILED", what, where: executable });
  });
  if (child.code === 0) return readFileSync(result);
  throw new GantryError({
    code: "INTERNAL",
    what: `the bundle could not be compressed (exit ${child.code ?? child.signal})`,
    where: executable,
    detail: outputLines(child.stderr).slice(0, 5),
  });
}
