/**
 * What becomes of foreign files in a tree. They lie beside the file for this place, because that is how prebuilds are
 * shipped, and are passed over when the same package, or another of the same npm scope, has a file that loads. A package
 * of which every file is foreign is named. Pure.
 */
import { listed, type CompatFinding, type FileVerdict } from "../compat-finding.ts";

/**
 * Passes over foreign files, by the verdict `skip`. When a package has no other native file, its first one gets a finding
 * about the package.
 * @param named paths that somebody asked about by name, which are never passed over
 */
export function passOverForeign(
  files: readonly FileVerdict[],
  named: ReadonlySet<string> = new Set(),
): FileVerdict[] {
  const served = new Set<string>();
  for (const file of files) {
    if (file.foreign !== undefined || (file.verdict !== "ok" && file.verdict !== "warn")) continue;
    for (const key of packageKeys(file.path)) served.add(key);
  }
  const told = new Set<string>();
  return files.map((file) => {
    if (named.has(file.path) || file.foreign === undefined) return file;
    const keys = packageKeys(file.path);
    if (keys.some((key) => served.has(key))) return { ...file, verdict: "skip" };
    const [own] = keys;
    if (own === undefined || told.has(own) || !file.path.endsWith(".node")) return file;
    told.add(own);
    return { ...file, verdict: "fail", findings: [nothingFor(own, file, files), ...file.findings] };
  });
}

function nothingFor(own: string, { path }: FileVerdict, files: readonly FileVerdict[]): CompatFinding {
  const name = own.replace(/^.*node_modules\//, "");
  const what = files.flatMap((file) =>
    file.foreign !== undefined && packageKeys(file.path)[0] === own ? [file.foreign] : [],
  );
  const kinds = [...new Set(what)];
  return {
    code: "MODULE_UNAVAILABLE",
    severity: "error",
    file: path,
    what: `${name} has no native file for this machine and runtime: it has ${listed(kinds, 6)}`,
    evidence: kinds.join(", "),
    fix: `install a version of ${name} that has one, or let its install script compile it here (npm rebuild ${name})`,
  };
}

/** The package's directory, and that of its scope, because platform packages share a scope (@img/sharp-linux-x64 …). */
function packageKeys(path: string): string[] {
  const match = /^(.*node_modules\/)(@[^/]+\/)?([^/]+)\//.exec(path);
  if (match === null) return [];
  const [, base = "", scope, name = ""] = match;
  return scope === undefined ? [base + name] : [`${base}${scope}${name}`, base + scope];
}
