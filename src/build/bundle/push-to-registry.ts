/**
 * `gantry bundle RELEASE --push oci://…`: makes the bundles and pushes them to a registry. The release is not changed:
 * a bundle in it would make it larger and its signature invalid.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parsePushAddress, pushBundles } from "../../mirror/index.ts";
import {
  BUNDLE_HEAD_BYTES,
  NAMES,
  parseBundleHead,
  parseManifest,
  parseTarget,
  readCompression,
  readFileEntry,
  signatureOf,
  vendoredBundle,
} from "../../release/index.ts";
import { readStart } from "../../base/files/index.ts";
import { openRelease } from "../sign/index.ts";
import { addBundles, type AddBundlesOptions } from "./add-bundles.ts";

export interface PushReleaseOptions extends AddBundlesOptions {
  /** The address to push to: `oci://host/repository:tag`. */
  readonly push: string;
  readonly signal: AbortSignal;
}

/**
 * Makes the bundles and pushes them. When `out` is given, they are kept there as well.
 * @returns the digest of the manifest that the tag then names
 * @throws GantryError as addBundles and pushBundles do
 */
export async function pushReleaseBundles(options: PushReleaseOptions): Promise<string> {
  const { log, environment, scratch, signal } = options;
  parsePushAddress(options.push);
  const work = scratch.makePrivate();
  try {
    const { files } = await addBundles({ ...options, out: options.out ?? work });
    const root = openRelease(options.release);
    const signed = files.map((file) => ({ file, signature: readSignature(root, file) }));
    const { publicKey } = readManifest(root);
    for (const { file, signature } of signed) {
      if (publicKey === undefined || signature !== undefined) continue;
      log.warn(
        `${file} has no signature, and hosts accept none without: vendor and sign it, then push again`,
      );
    }
    return await pushBundles({
      files: signed,
      address: options.push,
      environment,
      signal,
      say: (text) => log.info(text),
      debug: (text) => log.debug(text),
    });
  } finally {
    scratch.remove(work);
  }
}

function readManifest(root: string) {
  const file = join(root, NAMES.manifest);
  return parseManifest(readFileSync(file, "utf8"), file);
}

/**
 * The signature that the release has for this bundle. Undefined when it has none, or when its own copy of the bundle
 * differs.
 */
function readSignature(root: string, file: string): string | undefined {
  const start = readStart(file, BUNDLE_HEAD_BYTES);
  const identity = parseBundleHead(start);
  const compression = readCompression(start);
  if (identity === undefined || compression === undefined) return undefined;
  const name = vendoredBundle(parseTarget(identity.target), compression);
  const [vendored, signature] = [join(root, name), join(root, signatureOf(name))];
  if (!existsSync(vendored) || !existsSync(signature)) return undefined;
  const same = readFileEntry(vendored)[1] === readFileEntry(file)[1];
  return same ? readFileSync(signature, "utf8") : undefined;
}
