/**
 * The module source that unpacks a bundle: a local file, or one fetched from a mirror into the work directory. The bundle
 * is compared with the manifest before it is unpacked, and every file while it is written.
 */
import { mkdirSync } from "node:fs";
import { basename, join } from "node:path";
import { hideLogin } from "../../base/redact.ts";
import { GantryError } from "../../base/errors.ts";
import {
  availableExternals,
  type FileEntry,
  filesOfTree,
  NAMES,
  type ReleaseBundle,
} from "../../release/index.ts";
import type { Environment } from "../../base/environment.ts";
import type { ModuleSource, SourceContext } from "./source.ts";
import type { Release } from "../release/unpacked.ts";
import { checkBundleFile, checkHead, checkSignature } from "./bundle-check.ts";
import type { FoundBundle } from "./bundle-find.ts";
import { readOptionalText } from "../../base/files/index.ts";

export function bundleSource(release: Release, source: FoundBundle, environment: Environment): ModuleSource {
  const shown = source.kind === "file" ? shownPath(release, source.path) : hideLogin(source.address);
  return {
    description: `from ${shown}`,
    run: async (context) => {
      const { bundle } = release.manifest;
      if (bundle === undefined) return { complaints: [] };
      const path =
        source.kind === "file"
          ? checkLocal(release, bundle, source.path)
          : await fetchChecked(release, bundle, source.address, { ...context, environment });
      return { complaints: [], written: await unpack(release, bundle, path, context) };
    },
  };
}

/** The path as messages show it: relative in vendor/, absolute elsewhere. */
function shownPath({ layout }: Release, path: string): string {
  return path.startsWith(`${layout.vendor}/`) ? join(NAMES.vendor, basename(path)) : path;
}

function checkLocal(release: Release, bundle: ReleaseBundle, path: string): string {
  checkBundleFile(release, bundle, path);
  const where = `${path}.minisig`;
  checkSignature(release, path, { text: readOptionalText(where), where });
  return path;
}

async function fetchChecked(
  release: Release,
  bundle: ReleaseBundle,
  address: string,
  { work, reporter, signal, environment }: SourceContext & { readonly environment: Environment },
): Promise<string> {
  const into = join(work, "bundle");
  const { fetchBundle, fetchSignature } = await import("../../mirror/fetch.ts");
  const shared = { address, target: release.manifest.target, environment, reporter, signal };
  const shown = hideLogin(address);
  await fetchBundle({
    ...shared,
    expected: bundle,
    checkHead: (start) => checkHead(release, start, shown),
    into,
  });
  if (release.manifest.publicKey !== undefined) {
    checkSignature(release, into, { text: await fetchSignature(shared), where: `${shown}.minisig` });
  }
  return into;
}

async function unpack(
  release: Release,
  bundle: ReleaseBundle,
  file: string,
  { work, reporter, signal }: SourceContext,
): Promise<ReadonlyMap<string, FileEntry>> {
  const { manifest } = release;
  const into = join(work, NAMES.modules);
  mkdirSync(into, { mode: 0o700 });
  const files = filesOfTree(manifest, new Set(availableExternals(manifest).map(({ name }) => name)));
  const total = bundle.unpacked;
  // Loaded on demand: a start that finds its modules, or fetches them from a registry, does not need it.
  const { unpackArchive } = await import("../../archive/index.ts");
  return await unpackArchive({
    file,
    into,
    allow: { kind: "exactly", files, unpacked: bundle.unpacked },
    signal,
    progress: (bytes) => reporter.progress({ bytes, total, current: "" }),
  });
}

/**
 * A module source that tries several in order. A damaged bundle or a mirror that is down is a warning, and the next
 * source is tried. Errors of the disk and of signatures end it, because the next source would not help.
 */
export function firstSource(sources: readonly [ModuleSource, ...ModuleSource[]]): ModuleSource {
  const [first, second, ...rest] = sources;
  if (second === undefined) return first;
  const otherwise = firstSource([second, ...rest]);
  return {
    description: first.description,
    run: async (context) => {
      try {
        return await first.run(context);
      } catch (error) {
        context.signal.throwIfAborted();
        if (!(error instanceof GantryError) || !hasAnotherWay(error)) throw error;
        for (const { code, what } of error.findings) context.reporter.warn(`${code}: ${what}`);
        context.discard();
        context.reporter.step(`trying ${otherwise.description} instead`);
        return await otherwise.run(context);
      }
    },
  };
}

const NO_OTHER_WAY: ReadonlySet<string> = new Set([
  "SIGNATURE_INVALID",
  "DISK_FULL",
  "STORE_UNWRITABLE",
  "INTERNAL",
]);

function hasAnotherWay(error: GantryError): boolean {
  return !error.findings.some(({ code }) => NO_OTHER_WAY.has(code));
}
