/**
 * The one judgement of foreign files: those that were made for something else than the place where they lie, by what is in
 * them and by the names that loaders go by. The build leaves them out, `check`, `doctor`, `verify` and every start pass
 * over them. Pure.
 */
import { guarded, type ElfFile, type NativeFile } from "../../elf/index.ts";
import { otherAbi } from "../rules/registration.ts";
import type { Foreign, LoadPlace } from "./load-place.ts";
import { foreignByName } from "./name-tags.ts";

/**
 * Why a file is foreign. Undefined when it may be for this place, and for a file that is neither native nor named for a
 * platform.
 * @param path its path in its package, or a longer one that ends with it
 * @param file undefined when its content is not known; its name alone decides then
 */
export function foreignTo(path: string, file: NativeFile | undefined, place: LoadPlace): Foreign | undefined {
  return (file === undefined ? undefined : byHead(path, file, place)) ?? foreignByName(path, place);
}

/**
 * A file for glibc is not refused for musl: musl takes itself for `libc.so.6`, and Node loads some of these files. A
 * file for musl never loads with glibc, which has no `libc.musl-ARCH.so.1`.
 */
function byHead(path: string, file: NativeFile, place: LoadPlace): Foreign | undefined {
  const { os, arch, libc } = place;
  if (file.kind === "foreign") {
    const same = file.os === os && (file.arches.includes(arch) || file.arches.includes("unknown"));
    return same ? undefined : { kind: "platform", what: file.what };
  }
  if (file.kind !== "elf") return undefined;
  if (os === "darwin" || os === "win32" || file.arch !== arch)
    return { kind: "platform", what: `an ELF ${file.arch} module` };
  const musl = [file.interpreter ?? "", ...file.needed].some((name) =>
    /(?:^|\/)(?:libc\.musl-|ld-musl-)/.test(name),
  );
  if (musl && libc === "gnu") return { kind: "platform", what: "a module for musl" };
  return path.endsWith(".node") ? byRegistration(file, place) : undefined;
}

function byRegistration(file: ElfFile, { runtime }: LoadPlace): Foreign | undefined {
  if (runtime?.abi === undefined) return undefined;
  const addon = guarded(() => file.addon());
  if ("kind" in addon) return undefined;
  const versions = otherAbi(addon, runtime.kind, runtime.abi);
  return versions === undefined
    ? undefined
    : { kind: "runtime", what: `a module for NODE_MODULE_VERSION ${versions.join(", ")}` };
}
