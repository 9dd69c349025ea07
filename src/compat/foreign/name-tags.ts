/**
 * The names by which loaders choose among the native files of a package. What a loader's own scheme says counts, because
 * it never opens a file with another name:
 * - prebuildify and node-gyp-build: `prebuilds/OS-ARCH[+ARCH]/NAME[.TAG…].node` (parseTuple, parseTags and matchTags of
 *   node-gyp-build), and tagged files in the root of a package (node-gyp-build-optional-packages);
 * - better-sqlite3 13: `prebuilds/OS[musl]-ARCH.node`; @datadog's packages: `prebuilds/OS[glibc|musl]-ARCH/…`;
 * - node-pre-gyp: a directory `RUNTIME-vABI-OS-ARCH` (`node_abi` of its lib/util/versioning.js);
 * - Bare, another runtime: `NAME.bare`.
 * Pure.
 */
import type { Foreign, LoadPlace } from "./load-place.ts";

const SYSTEMS = new Set(["linux", "darwin", "win32", "android", "freebsd", "openbsd", "sunos", "aix", "ios"]);
const MACHINES = new Set(["x64", "arm64", "arm", "ia32", "ppc64", "s390x", "riscv64", "loong64", "mips64el"]);

/** Why the name of a file says that the place's loaders never open it. */
export function foreignByName(path: string, place: LoadPlace): Foreign | undefined {
  // The names of directories above the package say nothing about it.
  const inner = path.slice(path.lastIndexOf("/node_modules/") + 1);
  return byTuple(inner, place) ?? byDirectory(inner, place) ?? byTags(inner, place);
}

function platform(...words: readonly (string | undefined)[]): Foreign {
  return { kind: "platform", what: `a module for ${words.filter((word) => word !== undefined).join(" ")}` };
}

/** Everything below `prebuilds/TUPLE` belongs to that platform: libraries, programs and debug files too. */
function byTuple(path: string, place: LoadPlace): Foreign | undefined {
  const parts = path.split("/");
  const found = /^([a-z]+(?:32)?)-([a-z0-9+]+)(\.node)?$/.exec(
    parts[parts.lastIndexOf("prebuilds") + 1] ?? "",
  );
  if (!parts.includes("prebuilds") || found === null) return undefined;
  const [, word = "", machines = "", flat] = found;
  const [, system = "", libc] = /^(.+?)(glibc|musl)?$/.exec(word) ?? [];
  const arches = machines.split("+");
  if (!SYSTEMS.has(system) || !arches.every((arch) => MACHINES.has(arch))) return undefined;
  if (system !== place.os || !arches.includes(place.arch)) return platform(system, machines);
  // Without a C library in its name, a file directly below prebuilds is for glibc; its sibling is `linuxmusl-…`.
  const named = libc ?? (flat === undefined || system !== "linux" ? undefined : "glibc");
  return otherLibc(named, place);
}

function byDirectory(path: string, place: LoadPlace): Foreign | undefined {
  const found =
    /(?:^|\/)(node|electron|node-webkit)-v([\d.]+)-([a-z0-9]+)-([a-z0-9]+)(?:-(glibc|musl))?\//.exec(path);
  const [, runtime = "", abi = "", system = "", arch = "", libc] = found ?? [];
  if (!SYSTEMS.has(system) || !MACHINES.has(arch)) return undefined;
  if (system !== place.os || arch !== place.arch) return platform(system, arch);
  return otherLibc(libc, place) ?? otherRuntime(runtime, Number(abi), place);
}

/** Major version of libuv's API, which every supported Node and Bun has. */
const UV = "1";

function byTags(path: string, place: LoadPlace): Foreign | undefined {
  const words = path.slice(path.lastIndexOf("/") + 1).split(".");
  const extension = words.pop();
  if (extension === "bare") return { kind: "runtime", what: "a module for Bare" };
  if (extension !== "node") return undefined;
  const libc = words.find((word) => word === "glibc" || word === "musl");
  // musl may load a file for glibc. Below prebuilds a loader asks for the tag first.
  const strict = path.split("/").includes("prebuilds");
  const wrong = libc === "glibc" && !strict ? undefined : otherLibc(libc, place);
  if (wrong !== undefined) return wrong;
  const uv = words.find((word) => /^uv\d+$/.test(word));
  if (uv !== undefined && uv !== `uv${UV}`)
    return { kind: "runtime", what: `a module for libuv ${uv.slice(2)}` };
  const runtime = words.find((word) => ["node", "electron", "node-webkit"].includes(word));
  const abi = words.find((word) => /^abi\d+$/.test(word));
  const bound = abi === undefined || words.includes("napi") ? undefined : Number(abi.slice(3));
  return otherRuntime(runtime, bound, place);
}

function otherLibc(libc: string | undefined, { libc: own }: LoadPlace): Foreign | undefined {
  if (libc === undefined || own === undefined) return undefined;
  return libc === (own === "gnu" ? "glibc" : "musl") ? undefined : platform(libc);
}

/** Bun takes itself for Node, so that loaders choose files for `node`. */
function otherRuntime(
  runtime: string | undefined,
  abi: number | undefined,
  { runtime: own }: LoadPlace,
): Foreign | undefined {
  if (runtime === "electron") return { kind: "runtime", what: "a module for Electron" };
  if (runtime === "node-webkit") return { kind: "runtime", what: "a module for NW.js" };
  if (abi === undefined || own?.abi === undefined || abi === own.abi) return undefined;
  return { kind: "runtime", what: `a module for NODE_MODULE_VERSION ${abi}` };
}
