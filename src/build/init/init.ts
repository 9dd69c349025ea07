/**
 * `gantry init`: proposes the settings of an app, and writes them into its package.json when the caller agrees. The
 * proposal is checked as `gantry build` checks settings, before anything is written.
 */
import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { writeDurably } from "../../base/files/index.ts";
import { GantryError } from "../../base/errors.ts";
import { SELF } from "../../base/process/index.ts";
import { checkSettings, readPackageFile, readWorkspaceRoot } from "../app/index.ts";
import { addSettings } from "./package-text.ts";
import { propose, type ProposedSetting } from "./propose.ts";

/** For `initApp`. */
export interface InitOptions {
  readonly appDir: string;
  /** Asked once, when there is something to write. It gets the proposal as text. */
  readonly confirm: (proposal: string) => Promise<boolean>;
}

/** What `gantry init --json` prints. */
export interface InitResult {
  readonly schema: 1;
  /** Path of the package.json. */
  readonly file: string;
  /** Settings that package.json did not have. */
  readonly settings: readonly ProposedSetting[];
  /** Files that the settings need and the app did not have, by path. */
  readonly files: readonly string[];
  /** What could not be found out, a sentence each. */
  readonly unknown: readonly string[];
  /** Whether settings and files were written. */
  readonly written: boolean;
}

/**
 * Proposes the settings of an app and, after a yes, writes them.
 * @throws GantryError CONFIG_INVALID when package.json or its settings are wrong, or the app's framework is not set up to
 *   make a server; nothing is written then
 */
export async function initApp({ appDir, confirm }: InitOptions): Promise<InitResult> {
  const dir = resolve(appDir);
  const json = await readPackageFile(dir);
  const file = join(dir, "package.json");
  checkSettings(json["gantry"], file);
  const { settings, files, unknown } = propose({
    dir,
    json,
    root: readWorkspaceRoot(dir),
    running: SELF.versions.node,
  });
  const before = readFileSync(file, "utf8");
  const after = addSettings(before, settings);
  checkSettings((JSON.parse(after) as { readonly gantry?: unknown }).gantry, file);
  const result = {
    schema: 1 as const,
    file,
    settings,
    files: files.map(({ path }) => join(dir, path)),
    unknown,
  };
  const changes = after !== before || files.length > 0;
  const written = changes && (await confirm(formatProposal({ ...result, written: false })));
  if (written) {
    if (readFileSync(file, "utf8") !== before) throw changedMeanwhile(file);
    // A file that appeared since then is the user's.
    for (const { path, text } of files)
      if (!existsSync(join(dir, path))) await writeDurably(join(dir, path), text, 0o644);
    const real = realpathSync(file);
    await writeDurably(real, after, statSync(real).mode & 0o777);
  }
  return { ...result, written };
}

function changedMeanwhile(where: string): GantryError {
  const what = "package.json was changed while its settings were proposed";
  return new GantryError({ code: "CONFIG_INVALID", what, where, fix: "run gantry init again" });
}

/** The proposal as lines for people, and what happened to it. */
export function formatProposal({ file, settings, files, unknown, written }: InitResult): string {
  const values = settings.map(({ key, value }) => [`gantry.${key}`, JSON.stringify(value)] as const);
  const width = Math.max(0, ...values.map(([key]) => key.length));
  const column = Math.max(0, ...values.map(([, value]) => value.length));
  const lines = values.map(
    ([key, value], index) =>
      `  ${key.padEnd(width)}  ${value.padEnd(column)}  from ${settings[index]?.reason ?? ""}`,
  );
  const nothing = "nothing to add: the settings that can be found out are there";
  const verb = written ? "added to" : "for";
  return [
    settings.length === 0 ? `${file}: ${nothing}` : `${verb} ${file}:`,
    ...lines,
    ...files.map((path) => `  ${written ? "wrote" : "and a new file"} ${path}`),
    ...(unknown.length === 0 ? [] : ["not known:", ...unknown.map((one) => `  ${one}`)]),
  ].join("\n");
}
