/**
 * Where prepared trees lie that cannot lie beside their release: the places that are looked at, in their order, and
 * the names below them. The build renders these rules into the stub and the launcher follows them; both must find the
 * same directory, so that a start from a store costs no more than one beside the release.
 */
import { join, normalize } from "node:path";
import { treeDigest, type Manifest } from "./manifest.ts";

/**
 * The variables that name a store, in the order in which they are asked (systemd.exec(5) for the second and third,
 * XDG base directories for the rest), and the status by which the launcher tells the stub that the tree lies there:
 * 0 means beside the release. They lie between sysexits.h (64 to 78) and the shell's own (126 and above).
 */
export const STORE_STATUS = {
  GANTRY_STORE: 91,
  STATE_DIRECTORY: 92,
  CACHE_DIRECTORY: 93,
  XDG_CACHE_HOME: 94,
  HOME: 95,
} as const;

export type StoreVariable = keyof typeof STORE_STATUS;
export const STORE_VARIABLES = Object.keys(STORE_STATUS) as StoreVariable[];

/** The directory that a store's variable leads to; everything of gantry's lies in this one inside it. */
export const STORE_NAME = "gantry";

/** Beside a tree: notes which releases use it, see src/modules/location/reference.ts. */
export const STORE_USED = ".gantry-used";

export interface Candidate {
  readonly variable: StoreVariable;
  /** What the variable leads to. */
  readonly directory: string;
  /** Why it is not even looked at. */
  readonly refused: string | undefined;
}

/** Always shared with everybody, and emptied at times. */
const TEMPORARY = ["/tmp", "/var/tmp"];

/** The directory of a tree in a store: releases with the same modules share it. */
export function storeTreeName(modules: Manifest["modules"]): string {
  return treeDigest(modules).slice(0, 32);
}

/** The stores that an environment names, in order. systemd lists several directories with colons: the first counts. */
export function parseCandidates(environment: Readonly<Record<string, string | undefined>>): Candidate[] {
  const home = environment["HOME"] ?? "";
  const values: Record<StoreVariable, string> = {
    GANTRY_STORE: environment["GANTRY_STORE"] ?? "",
    STATE_DIRECTORY: environment["STATE_DIRECTORY"]?.split(":")[0] ?? "",
    CACHE_DIRECTORY: environment["CACHE_DIRECTORY"]?.split(":")[0] ?? "",
    XDG_CACHE_HOME: environment["XDG_CACHE_HOME"] ?? "",
    HOME: home === "" ? "" : `${home.replace(/\/$/, "")}/.cache`,
  };
  return STORE_VARIABLES.filter((variable) => values[variable] !== "").map((variable) => {
    const directory = values[variable].replace(/(?<=.)\/$/, "");
    return { variable, directory, refused: refusal(directory, environment["TMPDIR"]) };
  });
}

/** A path that could mean two things is refused, because the stub compares text. */
function refusal(directory: string, temporary: string | undefined): string | undefined {
  if (!directory.startsWith("/")) return "it is not an absolute path";
  if (directory === "/") return "it is the root directory";
  if (normalize(directory) !== directory) return "it is not a plain path: it holds //, . or ..";
  const found = temporaryAbove(directory, temporary);
  return found === undefined ? undefined : `${found} is for temporary files, which others may remove`;
}

/** The directory for temporary files that holds a path, if one does. */
export function temporaryAbove(directory: string, temporary: string | undefined): string | undefined {
  const own = temporary?.startsWith("/") === true ? temporary.replace(/\/$/, "") : "";
  return [...TEMPORARY, ...(own === "" ? [] : [own])].find(
    (root) => directory === root || directory.startsWith(`${root}/`),
  );
}

/** How people know it: the variable, and what gantry makes of it. */
export function storeLabel({ variable, directory }: Candidate): string {
  return `${variable === "HOME" ? "~/.cache" : variable}, ${join(directory, STORE_NAME)}`;
}
