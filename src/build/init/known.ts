/** What is known of an app while its settings are proposed. */
import type { PackageJson } from "pkg-types";
import type { Defaults, Framework } from "../clues/index.ts";
import type { AppFiles } from "./app-files.ts";

export interface ProposalSource {
  readonly dir: string;
  readonly json: PackageJson;
  /** The workspace's root; `dir` itself when there is none. */
  readonly root: string;
  /** Version of the Node that runs gantry. */
  readonly running: string;
}

export interface Known extends ProposalSource {
  readonly files: AppFiles;
  readonly told: Defaults;
  readonly runtime: "bun" | "node";
  readonly binary: string;
  readonly framework: Framework | undefined;
}
