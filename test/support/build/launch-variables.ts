/**
 * Variables that Bun, Node, a shell or a C library reads, from their own documents and files. A name too many does no harm
 * in the tests: none of them may reach the launcher.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const BUN = fileURLToPath(new URL("../../../node_modules/bun/bin/bun.exe", import.meta.url));

/** ld.so(8), locale(7), resolv.conf(5), malloc tunables and gconv of glibc's manual. */
const GLIBC =
  "LD_ASSUME_KERNEL LD_AUDIT LD_BIND_NOT LD_BIND_NOW LD_DEBUG LD_DEBUG_OUTPUT LD_DYNAMIC_WEAK LD_HWCAP_MASK LD_LIBRARY_PATH LD_ORIGIN_PATH LD_POINTER_GUARD LD_PREFER_MAP_32BIT_EXEC LD_PRELOAD LD_PROFILE LD_PROFILE_OUTPUT LD_SHOW_AUXV LD_TRACE_LOADED_OBJECTS LD_TRACE_PRELINKING LD_USE_LOAD_BIAS LD_VERBOSE LD_WARN GLIBC_TUNABLES GCONV_PATH GETCONF_DIR HOSTALIASES LOCALDOMAIN LOCPATH MALLOC_ARENA_MAX MALLOC_CHECK_ MALLOC_TRACE NIS_PATH NLSPATH OUTPUT_CHARSET RESOLV_HOST_CONF RES_OPTIONS TZ TZDIR";
/** ldso/dynlink.c, src/locale/ and src/time/ of musl. */
const MUSL = "LD_PRELOAD LD_LIBRARY_PATH MUSL_LOCPATH DATEMSK";
/** POSIX 2.5.3, dash(1), ash's and bash(1)'s own. */
const SHELL =
  "ENV BASH_ENV CDPATH FIGNORE FPATH GLOBIGNORE HISTFILE IFS MAIL MAILPATH OLDPWD POSIXLY_CORRECT PROMPT_COMMAND PS1 PS2 PS3 PS4 TIMEFORMAT TMOUT BASH_XTRACEFD BASH_COMPAT EXECIGNORE INPUTRC";
/** JavaScriptCore's options have the prefix JSC_, and in Bun BUN_JSC_; ICU, OpenSSL, libuv and TypeScript have theirs. */
const LIBRARIES =
  "JSC_useJIT BUN_JSC_dumpDisassembly BUN_JSC_useJIT ICU_DATA NODE_ICU_DATA OPENSSL_CONF OPENSSL_MODULES OPENSSL_ENGINES SSLKEYLOGFILE UV_THREADPOOL_SIZE UV_USE_IO_URING TS_NODE_PROJECT TS_NODE_COMPILER_OPTIONS TSX_TSCONFIG_PATH ESBUILD_BINARY_PATH npm_config_script_shell npm_config_prefix npm_execpath npm_config_node_options DEBUG NODE_ENV NODE_CHANNEL_FD NODE_UNIQUE_ID NODE_OPTIONS NODE_PATH NODE_REPL_EXTERNAL_MODULE NODE_REPL_HISTORY NODE_V8_COVERAGE NODE_COMPILE_CACHE NODE_USE_ENV_PROXY NODE_USE_SYSTEM_CA NODE_PRESERVE_SYMLINKS NODE_PRESERVE_SYMLINKS_MAIN NODE_TLS_REJECT_UNAUTHORIZED";

/** Every name in Bun's executable that begins as its variables do; those of Node's `--help`; and the lists. */
export function steeringVariables(): readonly string[] {
  const bun = readFileSync(BUN, "latin1").match(/\bBUN_[A-Za-z][A-Za-z0-9_]{2,48}/g) ?? [];
  const help = execFileSync(process.execPath, ["--help"], { encoding: "utf8" });
  const node = help.match(/^(?:NODE|SSL|UV)_[A-Z0-9_]+/gm) ?? [];
  const listed = [GLIBC, MUSL, SHELL, LIBRARIES].flatMap((names) => names.split(" "));
  return [...new Set([...bun, ...node, ...listed])].filter((name) => !DOCUMENTED.has(name));
}

/** The exceptions that docs/variables.md names. */
const DOCUMENTED = new Set(["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR"]);
