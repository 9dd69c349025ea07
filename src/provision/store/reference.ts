/**
 * Which releases use a tree of a store: a small file for each, beside the tree. `clean` keeps a tree for as long as
 * one of them stands; a start from a prepared tree neither reads nor writes them.
 */
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { dirname, join } from "node:path";
import * as v from "valibot";
import { sha256 } from "../../release/tree.ts";
import { readHostId } from "../facts.ts";
import { errorCode, isMissing, type Place, type Release } from "../release.ts";

const DIRECTORY = ".gantry-used";

const ReferenceSchema = v.object({ root: v.string(), release: v.string(), host: v.string() });

/** A release by its root directory, its id (see releaseId) and the host on which that path means something. */
export type Reference = v.InferOutput<typeof ReferenceSchema>;

/**
 * Notes that this release uses the tree; done before the tree is made or proven, so that nobody removes it meanwhile.
 * @throws the file system's error
 */
export function writeReference(release: Release, place: Place): void {
  const reference: Reference = { root: release.layout.root, release: release.id, host: readHostId() };
  const text = `${JSON.stringify(reference)}\n`;
  const path = join(place.parent, DIRECTORY, sha256(`${reference.host} ${reference.root}`).slice(0, 32));
  if (readText(path) === text) return;
  const made = mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  if (made !== undefined) chmodSync(dirname(path), 0o755);
  const draft = join(dirname(path), `.draft-${randomBytes(6).toString("hex")}`);
  writeFileSync(draft, text, { flag: "wx", mode: 0o644 });
  renameSync(draft, path);
}

/** The same where it may be impossible: a store that is only read has to be looked after by its owner. */
export function noteReference(release: Release, place: Place): void {
  try {
    writeReference(release, place);
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
  }
}

/** All that is noted beside a tree; `unknown` counts what cannot be read, and so stands for a user of the tree. */
export function readReferences(parent: string): {
  readonly references: Reference[];
  readonly unknown: number;
} {
  const references: Reference[] = [];
  let unknown = 0;
  for (const name of readNames(join(parent, DIRECTORY))) {
    if (name.startsWith(".draft-")) continue;
    const reference = parseReference(readText(join(parent, DIRECTORY, name)));
    if (reference === undefined) unknown += 1;
    else references.push(reference);
  }
  return { references, unknown };
}

function parseReference(text: string | undefined): Reference | undefined {
  try {
    const result = v.safeParse(ReferenceSchema, JSON.parse(text ?? ""));
    return result.success ? result.output : undefined;
  } catch {
    return undefined;
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return undefined;
  }
}

function readNames(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
