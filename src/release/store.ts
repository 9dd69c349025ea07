/**
 * Stores: directories for prepared trees that cannot lie beside their release. This file has the variables that name
 * stores, in order, and the names of what is in them. The build renders these rules into the stub, and the launcher
 * follows them. Both must find the same directory, so that the stub can start from a store without the launcher.
 */
import { join, normalize } from "node:path";
import { treeDigest, type Manifest } from "./manifest.ts";

/**
 * The variables that name a store, in order (systemd.exec(5) for the second and third, XDG base directories for the
 * rest), and the exit status by which the launcher tells the stub that the tree lies there; 0 means beside the release.
 * The statuses are between those of sysexits.h (64 to 78) and the shell's own (126 and above).
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

/** The directory of gantry's trees, inside the one that a store's variable names. */
export const STORE_NAME = "gantry";

/** The directory beside a tree that notes which releases use it, see src/modules/location/reference.ts. */
export const STORE_USED = ".gantry-used";

export interface Candidate {
  readonly variable: StoreVariable;
  /** The directory that the variable leads to. */
  readonly directory: string;
  /** Why the directory is refused, as far as its path tells; undefined when it is not refused. */
  readonly refused: string | undefined;
}

/** Directories for temporary files: all users share them, and systems empty them. */
const TEMPORARY = ["/tmp", "/var/tmp"];

/** The directory of a tree in a store: releases with the same modules share it. */
export function storeTreeName(modules: Manifest["modules"]): string {
  return treeDigest(modules).slice(0, 32);
}

/** The stores that an environment names, in order. systemd separates several directories by colons; the first counts. */
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

/** Why a path is refused. The stub compares text, so that a path with more than one spelling is not used. */
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

/** A store as messages show it: the variable and the directory. */
export function storeLabel({ variable, directory }: Candidate): string {
  return `${variable === "HOME" ? "~/.cache" : variable}, ${join(directory, STORE_NAME)}`;
}
