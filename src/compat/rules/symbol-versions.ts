/**
 * glibc: does every library define the symbol versions that the module needs of it? Source: glibc elf/dl-version.c
 * (match_symbol): a missing version is fatal unless it is marked weak, and a library without any versions passes with
 * a warning. musl ignores versions.
 */
import { compareDotted } from "../../base/versions.ts";
import { installCommand, systemsWithGlibc } from "../system-packages.ts";
import { valueOf } from "../../host/index.ts";
import { listed, type Draft } from "../compat-finding.ts";
import type { LoadedObject } from "../library-search.ts";
import { inObject, type LoadSituation } from "./situation.ts";

export function judgeVersions(situation: LoadSituation): Draft[] {
  if (situation.family === "musl") return [];
  const drafts: Draft[] = [];
  const all = [...situation.process.started, ...situation.closure.objects];
  const { satisfied } = situation.process;
  for (const object of situation.closure.objects) {
    if (satisfied.has(object.library)) continue;
    const before = drafts.length;
    for (const need of object.library.versionNeeds()) {
      const provider = all.find(({ names }) => names.has(need.library));
      const defined = new Set(provider?.library.versionDefinitions());
      // The library is missing, which judgeLibraries reports, or it defines no versions.
      if (provider === undefined || defined.size === 0) continue;
      const missing = need.versions.filter(({ name, weak }) => !weak && !defined.has(name));
      if (missing.length === 0) continue;
      const names = missing.map(({ name }) => name).toSorted(byVersion);
      drafts.push(describe(situation, object, provider, names));
    }
    // Every module needs the host's own libraries, so a library whose versions were met is not checked again.
    if (!object.shipped && drafts.length === before) satisfied.add(object.library);
  }
  return drafts;
}

/** Sorts the newest version first, because that one decides. */
function byVersion(left: string, right: string): number {
  return compareDotted(right.replace(/^\D+/, ""), left.replace(/^\D+/, ""));
}

function describe(
  situation: LoadSituation,
  object: LoadedObject,
  provider: LoadedObject,
  names: readonly string[],
): Draft {
  const [newest = ""] = names;
  const library = provider.path.replace(/^.*\//, "");
  const family = newest.replace(/_[\d.]+$/, "");
  const best = provider.library
    .versionDefinitions()
    .filter((name) => name.startsWith(`${family}_`) && /_[\d.]+$/.test(name))
    .toSorted(byVersion)[0];
  const has = best === undefined ? `${library} here does not have it` : `${library} here goes up to ${best}`;
  const what = `the module needs ${newest}${inObject(situation, object)}; ${has}`;
  const evidence = listed(names);
  if (!/^libc\.so|^lib(m|dl|pthread|rt|resolv|mvec|util)\.so|^ld-linux|^ld64/.test(library)) {
    const fix = `${installCommand(library, situation.host)} in a newer version, or use an older build of the module`;
    return { code: "LIBRARY_MISSING", what, evidence, fix };
  }
  const systems = systemsWithGlibc(newest.replace(/^GLIBC_/, ""));
  const newer =
    systems === undefined ? "a host with a newer glibc" : `a host with a newer glibc (${systems})`;
  const version = valueOf(situation.host.libc);
  const here = version?.family === "glibc" ? `, this host has glibc ${version.version}` : "";
  const fix = `use the musl release, an older build of the module, or ${newer}${here}`;
  return { code: "LIBC_TOO_OLD", what, evidence, fix };
}
