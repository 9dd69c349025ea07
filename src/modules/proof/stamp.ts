/**
 * Writes the stamp of a proven tree. Its modification time is the start of the proof, or that of the newest watched file
 * if that is later. So every later change is newer than the stamp, also after the clock was set back.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { absentName, availableExternals, stampName, systemName } from "../../release/index.ts";
import { ensureDirectory, writeDurably } from "../../base/files/index.ts";
import { externalIndex, readNewest, watchedFiles } from "./tree-facts.ts";
import type { TreeLocation, Release } from "../release/unpacked.ts";
import { systemMark } from "./host-node.ts";

export interface Verdict {
  readonly release: Release;
  readonly location: TreeLocation;
  readonly host: string;
  /** Externals that loaded here; all others are recorded as absent. */
  readonly included: readonly string[];
  /** Why an optional external is absent, by name. */
  readonly leftOut: Readonly<Record<string, string>>;
  /** When the proof began, in milliseconds since the epoch. */
  readonly began: number;
}

/**
 * Writes the stamp, and a marker for each absent external.
 * @throws the file system's error where nothing can be written; an existing stamp stays
 */
export async function writeStamp(verdict: Verdict): Promise<void> {
  const { release, location, host } = verdict;
  const name = stampName(release.id, host);
  const available = availableExternals(release.manifest);
  const included = available.filter((external) => verdict.included.includes(external.name));
  const newest = readNewest(watchedFiles(release, location, included));
  ensureDirectory(location.stamps, 0o755);
  for (const external of available.filter((candidate) => !included.includes(candidate))) {
    const reason = verdict.leftOut[external.name] ?? "it is not in this tree";
    const marker = join(location.stamps, absentName(release.id, host, externalIndex(release, external.name)));
    await writeDurably(marker, `${external.name}: ${reason}\n`, 0o644);
  }
  if (release.system !== undefined) {
    await writeDurably(
      join(location.stamps, systemName(release.id, host)),
      systemMark(release.system),
      0o644,
    );
  }
  await writeDurably(join(location.stamps, name), describe(verdict), 0o644, stampTime(verdict.began, newest));
  for (const external of included) {
    rmSync(join(location.stamps, absentName(release.id, host, externalIndex(release, external.name))), {
      force: true,
    });
  }
}

/**
 * The stamp's time in seconds since the epoch. Runtimes truncate a time to microseconds or milliseconds when they set it,
 * so that the newest file's time is rounded up by two milliseconds.
 */
function stampTime(began: number, newest: bigint): number {
  const after = Number(newest / 1_000_000n) + 2;
  return Math.max(Math.floor(began), after) / 1000;
}

function describe(verdict: Verdict): string {
  const { release, host, included, leftOut } = verdict;
  const content = {
    schema: 1,
    release: release.id,
    host,
    externals: included,
    leftOut,
  };
  return `${JSON.stringify(content, null, 1)}\n`;
}
