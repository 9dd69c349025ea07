/**
 * Reads what this launcher has to know of a release that is, or will be, a generation. A later version of gantry may
 * have made the release. So only the needed keys of the manifest are read, and unknown keys are accepted. What depends
 * on the other keys is done by the release's own launcher.
 */
import { join } from "node:path";
import * as v from "valibot";
import { GantryError, type Finding } from "../../base/errors.ts";
import { readOptionalText } from "../../base/files/index.ts";
import {
  ACTIVATE_TIMEOUT,
  NAMES,
  releaseId,
  runsOn,
  type Target,
  TARGETS,
  targetSuffix,
} from "../../release/index.ts";
import { generationName } from "../service-layout.ts";

const ServiceSchema = v.object({
  user: v.string(),
  userNamed: v.optional(v.boolean(), false),
  type: v.optional(v.picklist(["exec", "notify"]), "exec"),
  exposure: v.optional(v.picklist(["public", "local", "airgapped"]), "public"),
  port: v.optional(v.number()),
  health: v.optional(v.string()),
  /** Seconds. */
  healthWindow: v.optional(v.number(), 30),
  /** Seconds. */
  healthSettle: v.optional(v.number(), 3),
  activateTimeout: v.optional(v.number(), ACTIVATE_TIMEOUT),
  snapshot: v.optional(v.boolean(), false),
});

const CandidateSchema = v.object({
  name: v.string(),
  version: v.string(),
  binary: v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/)),
  target: v.string(),
  publicKey: v.optional(v.union([v.string(), v.array(v.string())])),
  service: v.optional(ServiceSchema),
  activate: v.optional(v.array(v.string())),
});

export type ServiceSettings = Readonly<v.InferOutput<typeof ServiceSchema>>;

export interface Candidate extends Readonly<v.InferOutput<typeof CandidateSchema>> {
  readonly root: string;
  /** The id of the release in hexadecimal, see releaseId. */
  readonly id: string;
  readonly generation: string;
}

/**
 * Reads the manifest of a release.
 * @param root the release's root directory
 * @throws GantryError RELEASE_FILE_MISSING or MANIFEST_INVALID
 */
export function readCandidate(root: string): Candidate {
  const where = join(root, NAMES.manifest);
  const text = readOptionalText(where);
  if (text === undefined) {
    const fix = "name the archive or the directory that gantry build made";
    throw new GantryError({
      code: "RELEASE_FILE_MISSING",
      what: "this is no release: it has no lib/release.json",
      where,
      fix,
    });
  }
  return parseCandidate(text, root);
}

/**
 * Parses the manifest of a release.
 * @param text the manifest's text
 * @param root the release's root directory
 * @throws GantryError MANIFEST_INVALID
 */
export function parseCandidate(text: string, root: string): Candidate {
  const where = join(root, NAMES.manifest);
  const parsed = parseManifest(text);
  if (parsed === undefined) {
    throw new GantryError({ code: "MANIFEST_INVALID", what: "release.json cannot be used", where });
  }
  const id = releaseId(text);
  return Object.freeze({ ...parsed, root, id, generation: generationName(parsed.version, id) });
}

function parseManifest(text: string): v.InferOutput<typeof CandidateSchema> | undefined {
  try {
    const result = v.safeParse(CandidateSchema, JSON.parse(text));
    return result.success ? result.output : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The reason why a release cannot follow the installed one on this host, or undefined. Called before any file of the
 * release is run.
 * @param host the target of the release whose launcher runs now
 */
export function checkCandidate(
  candidate: Candidate,
  installed: { readonly name: string; readonly binary: string },
  host: Target,
): Finding | undefined {
  const where = candidate.root;
  if (candidate.binary !== installed.binary || candidate.name !== installed.name) {
    const what = `this is a release of ${candidate.name} (${candidate.binary}), and ${installed.name} (${installed.binary}) is installed`;
    return {
      code: "USAGE",
      what,
      where,
      fix: `name a release of ${installed.name}, or install it with its own ./gantry install`,
    };
  }
  if (candidate.service === undefined) {
    const what = `${candidate.name} ${candidate.version} has no service settings in its manifest`;
    return {
      code: "MANIFEST_INVALID",
      what,
      where,
      fix: "build it again with this version of gantry or a later one",
    };
  }
  const target = TARGETS.find(({ name }) => name === candidate.target);
  if (target !== undefined && runsOn(target, host)) return undefined;
  const sameMachine = target?.os === host.os && target.arch === host.arch;
  return {
    code: sameMachine ? "LIBC_MISMATCH" : "HOST_UNSUPPORTED",
    what: `this is the ${candidate.target} release, and this host runs ${host.name}`,
    where,
    fix: `take the release ${candidate.name}-v${candidate.version}-${targetSuffix(host)}`,
  };
}
