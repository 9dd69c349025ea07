/**
 * Does the runtime accept the module once it is mapped?
 * Sources: node src/node_binding.cc (DLOpen: a constructor's struct first, then node_register_module_vN of the
 * own version, then napi_register_module_v1), node src/node_api.cc for the Node-API version; Bun's
 * process.dlopen, which knows the constructor and the Node-API symbol only.
 */
import { valueOf, type RuntimeKind } from "../../host/index.ts";
import type { AddonFacts } from "../../elf/index.ts";
import type { Draft } from "../compat-finding.ts";
import { runtimeName, type Situation } from "./situation.ts";

/** NAPI_VERSION_EXPERIMENTAL (js_native_api.h). */
const EXPERIMENTAL = 0x7fff_ffff;

export function isAddon(addon: AddonFacts): boolean {
  return addon.napiSymbol || addon.napiConstructor || addon.abiConstructor || addon.abiSymbols.length > 0;
}

export function judgeRegistration(situation: Situation): Draft | undefined {
  const addon = situation.file.addon();
  if (addon.napiConstructor) return undefined;
  if (!addon.abiConstructor && addon.napiSymbol) return judgeNapiVersion(situation, addon);
  const abi = valueOf(situation.runtime.facts.abi);
  if (situation.runtime.facts.kind === "bun") return judgeOnBun(situation, addon, abi);
  return judgeOnNode(situation, addon, abi);
}

/** Node ends in SIGSEGV on a module that declares a newer Node-API than its own; Bun ignores the number. */
function judgeNapiVersion({ runtime }: Situation, { napiVersion }: AddonFacts): Draft | undefined {
  const supported = valueOf(runtime.facts.napi);
  if (runtime.facts.kind !== "node" || supported === undefined || napiVersion === undefined) return undefined;
  if (napiVersion <= supported || napiVersion === EXPERIMENTAL) return undefined;
  return {
    code: "NAPI_TOO_NEW",
    what: `the module needs Node-API ${napiVersion}; ${runtimeName(runtime)} has ${supported} and would crash`,
    evidence: `node_api_module_get_api_version_v1 returns ${napiVersion}`,
    fix: "use a newer Node, or a version of the module for an older Node-API",
  };
}

/**
 * The NODE_MODULE_VERSIONs for which a module was built, when the runtime's own is none of them. Undefined for a Node-API
 * module, and when the file does not say.
 */
export function otherAbi(
  addon: AddonFacts,
  kind: RuntimeKind,
  abi: number,
): readonly [number, ...number[]] | undefined {
  if (addon.napiConstructor || (addon.napiSymbol && !addon.abiConstructor)) return undefined;
  if (kind !== "bun" && addon.abiSymbols.includes(abi)) return undefined;
  // Where the struct was not found, the exported number is most likely the same.
  const built =
    addon.abiConstructor && addon.abiVersion !== undefined ? [addon.abiVersion] : addon.abiSymbols;
  const [first, ...rest] = built;
  return first === undefined || built.includes(abi) ? undefined : [first, ...rest];
}

function judgeOnNode(situation: Situation, addon: AddonFacts, abi: number | undefined): Draft | undefined {
  if (abi === undefined) return isAddon(addon) ? undefined : notRegistered(situation);
  const built = otherAbi(addon, situation.runtime.facts.kind, abi);
  if (built !== undefined) return wrongAbi(situation, built, abi);
  return isAddon(addon) ? undefined : notRegistered(situation);
}

function judgeOnBun(situation: Situation, addon: AddonFacts, abi: number | undefined): Draft | undefined {
  if (!addon.abiConstructor) return notRegistered(situation);
  const built = abi === undefined ? undefined : otherAbi(addon, "bun", abi);
  return built === undefined || abi === undefined ? undefined : wrongAbi(situation, built, abi);
}

function wrongAbi({ runtime }: Situation, versions: readonly number[], abi: number): Draft {
  const built = versions.join(", ");
  return {
    code: "ABI_MISMATCH",
    what: `the module was built for NODE_MODULE_VERSION ${built}; ${runtimeName(runtime)} has ${abi}`,
    evidence: `NODE_MODULE_VERSION ${built}`,
    fix: `install the module's build for ${abi}, rebuild it with this runtime's headers, or use a Node-API version of it`,
  };
}

function notRegistered(situation: Situation): Draft {
  const symbols = situation.file.addon().abiSymbols;
  const own = symbols.length === 0 ? "" : `; it exports node_register_module_v${symbols.join(", _v")} only`;
  return {
    code: symbols.length === 0 ? "MODULE_UNAVAILABLE" : "ABI_MISMATCH",
    what: `the file never registers as an addon with ${runtimeName(situation.runtime)}${own}`,
    evidence: "neither napi_register_module_v1 nor a registering constructor",
    fix: "name the module's .node file; if this is it, rebuild the module or use a Node-API version of it",
  };
}
