/**
 * The table that explain() reads: message patterns, the most specific first, with code, cause and fix.
 * Patterns come from glibc's elf/, musl's ldso/dynlink.c, node's src/node_binding.cc, Bun, libuv and the shells.
 */
import type { ErrorCode } from "../base/errors.ts";

/** Words about this host that causes and fixes contain. */
export interface ExplainWords {
  /** "Linux x64 with glibc 2.36", with the parts that are known. */
  readonly here: string;
  /** npm-style platform of this host, for example linux-x64-gnu; undefined when it is not known. */
  readonly platform: string | undefined;
  readonly libc: string | undefined;
  readonly runtime: string;
  readonly abi: string;
  readonly install: (library: string) => string;
  readonly glibcSystems: (version: string) => string;
}

interface Row {
  readonly pattern: RegExp;
  readonly code: ErrorCode;
  explain(parts: readonly string[], words: ExplainWords): { readonly cause: string; readonly fix: string };
}

const REINSTALL = "install the module again on this host, or ship its vendored bundle: ./gantry prepare";

const LIBRARIES: readonly Row[] = [
  {
    pattern: /version [`'"](GLIBC_([\d.]+))['"`] not found(?:.*required by ([^)\s]+))?/,
    code: "LIBC_TOO_OLD",
    explain: ([name = "", version = "", by = ""], { libc, glibcSystems }) => ({
      cause: `${by === "" ? "the module" : by} was built on a system with glibc ${version} or newer (${name}); this host has ${libc ?? "an older one"}`,
      fix: `use the musl release, an older build of the module, or a host with glibc ${version} or newer (${glibcSystems(version)})`,
    }),
  },
  {
    pattern: /version [`'"]((GLIBCXX|CXXABI)_[\w.]+)['"`] not found/,
    code: "LIBRARY_MISSING",
    explain: ([name = ""], { install }) => ({
      cause: `the host's libstdc++.so.6 is older than the one that the module was built with (${name})`,
      fix: `${install("libstdc++.so.6")} in a newer version, or use an older build of the module`,
    }),
  },
  {
    pattern: /libc\.musl-[\w-]+\.so\.1.*(cannot open|No such file|not found)/,
    code: "LIBC_MISMATCH",
    explain: (_, { here }) => ({
      cause: `the module is a musl build (for Alpine); this host is ${here}`,
      fix: "install the module's glibc build: node_modules made in an Alpine image do not work here",
    }),
  },
  {
    pattern: /lib(?:c|m)\.so: invalid ELF header/,
    code: "LIBC_MISMATCH",
    explain: (_, { here }) => ({
      cause: `the module is a musl build that asks for libc.so, which is a linker script on glibc; this host is ${here}`,
      fix: "install the module's glibc build",
    }),
  },
  {
    pattern: /ld-linux[\w.-]*\.so\.\d.*(cannot open|No such file|not found)|linked against glibc/,
    code: "LIBC_MISMATCH",
    explain: (_, { here }) => ({
      cause: `the file was built for glibc; this host is ${here}, or uses musl`,
      fix: "use the musl release and the module's musl build, or a host with glibc",
    }),
  },
  {
    pattern: /Error loading shared library (\S+?): (?!Exec format)/,
    code: "LIBRARY_MISSING",
    explain: ([library = ""], { install }) => ({
      cause: `musl's loader does not find ${library}`,
      fix: install(library),
    }),
  },
  {
    pattern: /([\w+.-]+\.so(?:\.\d+)*): cannot open shared object file/,
    code: "LIBRARY_MISSING",
    explain: ([library = ""], { install }) => ({
      cause: `the module needs ${library}, which is not on this host or not where the loader looks`,
      fix: install(library),
    }),
  },
];

const SYMBOLS: readonly Row[] = [
  {
    pattern: /undefined symbol: (_ZNK?(?:2v8|4node)\w*|node_\w+|napi_\w+|uv_\w+)/,
    code: "SYMBOL_MISSING",
    explain: ([symbol = ""], { runtime }) => ({
      cause: `the module uses ${symbol}, which ${runtime} does not have`,
      fix: "use a Node-API version of the module, or the runtime that it was built for",
    }),
  },
  {
    pattern: /Error relocating (\S+?): (\S+?): (?:symbol not found|initial-exec)/,
    code: "SYMBOL_MISSING",
    explain: ([file = "", symbol = ""]) => ({
      cause: `${file} uses ${symbol}, which musl does not have: the file was most likely built for glibc`,
      fix: "install the module's musl build",
    }),
  },
  {
    pattern: /undefined symbol: (\w+)/,
    code: "SYMBOL_MISSING",
    explain: ([symbol = ""]) => ({
      cause: `nothing in the process provides ${symbol}: a library is missing or has another version`,
      fix: "use a version of the module that was built for this host",
    }),
  },
  {
    pattern: /unsupported uv function:?\s*(\w*)/,
    code: "SYMBOL_MISSING",
    explain: ([symbol = ""], { runtime }) => ({
      cause: `the module called ${symbol === "" ? "a libuv function" : symbol}, which ${runtime} does not implement`,
      fix: "use a version of the module that needs no libuv, or run the app with Node",
    }),
  },
];

const FILES: readonly Row[] = [
  {
    pattern: /invalid ELF header/,
    code: "ELF_MALFORMED",
    explain: (_, { here }) => ({
      cause: `the file is no Linux module: one for macOS or Windows, a cut-off download, or text; this host is ${here}`,
      fix: `do not copy node_modules between systems; ${REINSTALL}`,
    }),
  },
  {
    pattern: /wrong ELF class|Exec format error|cannot execute binary file/,
    code: "HOST_UNSUPPORTED",
    explain: (_, { here }) => ({
      cause: `the file was built for another processor; this host is ${here}`,
      fix: `use the release for this machine; ${REINSTALL}`,
    }),
  },
  {
    pattern: /OS ABI invalid/,
    code: "HOST_UNSUPPORTED",
    explain: () => ({
      cause: "the file was built for a BSD or another system, not for Linux",
      fix: REINSTALL,
    }),
  },
  {
    pattern: /failed to map segment from shared object/,
    code: "STORE_NOEXEC",
    explain: () => ({
      cause:
        "the file lies on a file system that is mounted noexec (often /tmp), or a policy forbids mapping it",
      fix: "move the release to a file system that is mounted exec; for files unpacked at run time set BUN_TMPDIR or TMPDIR to one",
    }),
  },
  {
    pattern: /static TLS block/,
    code: "MODULE_UNAVAILABLE",
    explain: () => ({
      cause: "glibc keeps about 1.7 KB for thread-local variables of loaded modules, and they are used up",
      fix: "load this module first, or start the app with LD_PRELOAD set to it",
    }),
  },
  {
    pattern: /(?:EACCES|permission denied).*?((?:\/|\b)[\w@./-]*node_modules[\w@./-]*)/i,
    code: "PERMISSION_DENIED",
    explain: ([path = "node_modules"]) => ({
      cause: `the user that runs the app may not use ${path}: it was most likely installed as root`,
      fix: "give it to that user: chown -R USER: node_modules, or run ./gantry prepare as that user",
    }),
  },
];

const RUNTIMES: readonly Row[] = [
  {
    pattern: /NODE_MODULE_VERSION (\d+)/,
    code: "ABI_MISMATCH",
    explain: ([built = ""], { runtime, abi }) => ({
      cause: `the module was built for NODE_MODULE_VERSION ${built}; ${runtime} has ${abi}`,
      fix: "install the module's build for this runtime, rebuild it, or use a Node-API version of it",
    }),
  },
  {
    pattern: /did not self-register|napi_register_module_v1'? not found|declare an init/,
    code: "MODULE_UNAVAILABLE",
    explain: (_, { runtime }) => ({
      cause: `the file loaded but never registered with ${runtime}: it is no addon, or one for another runtime version; an addon without Node-API also fails when it is loaded twice`,
      fix: `${REINSTALL}; in worker threads use a Node-API version of the module`,
    }),
  },
  {
    pattern:
      /Cannot find (?:module|package) ['"`](@?[\w./-]*(?:(?:linux|darwin|win32)-?(?:x64|arm64|arm|ia32|s390x|riscv64)|musl|gnu)[\w./-]*)['"`]/,
    code: "MODULE_UNAVAILABLE",
    explain: ([name = ""], { platform, here }) => ({
      cause: `the platform package ${name} is not installed; this host is ${here}${platform === undefined ? "" : ` (${platform})`}. A lock written elsewhere, --no-optional or copied node_modules leave it out silently`,
      fix: `${platform !== undefined && foreignTo(name, platform) ? "use the release for this platform" : "./gantry prepare"}, or install without --no-optional and --omit=optional`,
    }),
  },
  {
    pattern: /Cannot find (?:module|package) ['"`]([^'"`]+)['"`]/,
    code: "MODULE_UNAVAILABLE",
    explain: ([name = ""]) => ({
      cause: `${name} is not installed where the app looks for it`,
      fix: "./gantry prepare, then ./gantry verify",
    }),
  },
  {
    pattern: /Illegal instruction|SIGILL/,
    code: "CPU_TOO_OLD",
    explain: () => ({
      cause:
        "the processor lacks an instruction that the binary or a module uses (for example AVX2), or the runtime stopped on purpose",
      fix: "take a build of the module for older processors, or the -baseline release where there is one (x64, Bun before 1.4); ./gantry doctor shows what this processor has",
    }),
  },
  {
    pattern: /Bus error|SIGBUS/,
    code: "LOAD_CRASHED",
    explain: () => ({
      cause: "a file was cut off while it was mapped, or the disk is full",
      fix: "./gantry verify --repair",
    }),
  },
  {
    pattern: /Segmentation fault|SIGSEGV/,
    code: "LOAD_CRASHED",
    explain: (_, { runtime }) => ({
      cause: `a module crashed in ${runtime}: often one that declares a newer Node-API than Node has, or one for glibc on musl`,
      fix: "./gantry doctor names the module and the likely cause",
    }),
  },
  {
    pattern: /(?:^|\W)(?:node|npm|bun)(?:: |['’]: )(?:command )?(?:not found|No such file)|env: .?node/,
    code: "EXEC_FAILED",
    explain: () => ({
      cause: "a script asks for a node, npm or bun program, and this host has none",
      fix: "start the release's own program: it needs none of them; for install scripts ship a vendored bundle",
    }),
  },
  {
    pattern: /ENOSPC|No space left on device/,
    code: "DISK_FULL",
    explain: () => ({ cause: "the disk is full", fix: "free some space and start again" }),
  },
];

/** True when the name of a platform package names another platform than this host's. */
function foreignTo(name: string, platform: string): boolean {
  const [, arch = "", libc = ""] = platform.split("-");
  const other = libc === "gnu" ? /musl/ : /gnu|glibc/;
  return !name.includes(arch) || /darwin|win32/.test(name) || other.test(name);
}

/** Order matters: the first row that matches a line is used. */
export const EXPLANATIONS: readonly Row[] = [...LIBRARIES, ...SYMBOLS, ...FILES, ...RUNTIMES];
