/**
 * Makes a bundle: the tar of a tree of modules, compressed, after a header that names the release. The same tree of the
 * same release gives the same bytes at any path and time.
 */
import { rmSync, writeFileSync } from "node:fs";
import {
  type Compression,
  type Manifest,
  type ReleaseBundle,
  sha256,
  type Target,
  treeDigest,
  withBundleHead,
} from "../../release/index.ts";
import { compressFile, type Compressor } from "./compress.ts";
import { writeTreeTar } from "./tree-tar.ts";

export interface PackOptions {
  readonly name: string;
  readonly version: string;
  readonly target: Target;
  readonly modules: Manifest["modules"];
  /** The node_modules that holds the files. It is not read any more once packBundle has returned its promise. */
  readonly directory: string;
  readonly compression: Compression;
  readonly compressor: Compressor;
  /** Path of the bundle. While it is packed, a temporary file with `.tar` appended to the path exists beside it. */
  readonly file: string;
}

/** A bundle on disk, with its entry in the manifest. */
export interface PackedBundle {
  readonly file: string;
  readonly target: Target;
  /** Digest of the packed tree, see treeDigest. */
  readonly tree: string;
  readonly description: ReleaseBundle;
}

/**
 * Packs a tree. Undefined when it has no modules.
 * @throws GantryError DIGEST_MISMATCH when a file's digest is not the one in `modules`
 */
export async function packBundle(options: PackOptions): Promise<PackedBundle | undefined> {
  const { name, version, target, modules, compression, file } = options;
  if (Object.keys(modules).length === 0) return undefined;
  const tar = `${file}.tar`;
  try {
    const unpacked = writeTreeTar(options.directory, modules, tar);
    const tree = treeDigest(modules);
    const data = await compressFile(tar, compression, options.compressor);
    const identity = { schema: 1, name, version, target: target.name, tree } as const;
    const bytes = withBundleHead(identity, compression, data);
    writeFileSync(file, bytes, { mode: 0o644 });
    const description = { compression, size: bytes.length, sha256: sha256(bytes), unpacked };
    return { file, target, tree, description };
  } finally {
    rmSync(tar, { force: true });
  }
}
