/** Small signed and unsigned releases for tests: what a release must have to be signed, and cheap keys beside it. */
import { join } from "node:path";
import { keygen, type KeyPairFiles } from "../../../src/build/sign/keys.ts";
import { makeSums } from "../../../src/build/pack/make-sums.ts";
import { formatManifest, type Manifest } from "../../../src/release/manifest.ts";
import { makeDirectory, writeFiles } from "./scratch.ts";

const DIGEST = "a".repeat(64);
const MANIFEST: Manifest = {
  schema: 1,
  name: "test-brain",
  version: "0.1.0",
  binary: "brain",
  target: "linux-x64-gnu",
  gantry: "0.1.0",
  runtime: { kind: "bun", version: "1.4.5" },
  executable: { size: 3, sha256: DIGEST },
  launcher: { size: 3, sha256: DIGEST },
  install: "first-run",
  externals: [],
  modules: {},
  native: [],
};

export interface ReleaseAndKeys {
  /** Holds both: `release`, and the keys in `keys`. */
  readonly directory: string;
  readonly release: string;
  readonly keys: KeyPairFiles;
}

/**
 * A release whose directory was renamed since it was built, with true sums, and a key pair without a password.
 * @param pinned the public key that its manifest names
 */
export async function makeRelease(pinned?: string): Promise<ReleaseAndKeys> {
  const directory = makeDirectory();
  const release = join(directory, "release");
  writeFiles(release, {
    brain: "#!/bin/sh\n",
    "lib/brain": "the binary",
    "lib/release.json": formatManifest({
      ...MANIFEST,
      ...(pinned === undefined ? {} : { publicKey: pinned }),
    }),
    "vendor/linux-x64-gnu.tar.zst": "a bundle",
    "README.md": "Read me\n",
  });
  writeFiles(release, { SHA256SUMS: makeSums(release) });
  const keys = await keygen({
    publicKeyFile: join(directory, "keys/brain.pub"),
    secretKeyFile: join(directory, "keys/brain.key"),
  });
  return { directory, release, keys };
}
