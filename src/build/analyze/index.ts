/**
 * The door of build/analyze: finds which modules of an app stay outside its binary, with the evidence, for `build` and
 * `analyze`. It reads files only.
 */
export { analyzeApp, type Analysis } from "./analyze.ts";
export { readNativeEvidence, readPackageFiles } from "./native-evidence.ts";
export { formatAnalysis } from "./format-analysis.ts";
export { installCommands, readInstallScript, type InstallScript } from "./install-script.ts";
/** Recognises packages that hold the native files of one platform, such as `@img/sharp-linux-x64`. */
export { isPlatformPackage, platformOfName, platformRefusal, type PlatformFields } from "./platform.ts";
