/** What an attacker leaves where somebody may look for settings, modules and programs, and in variables. */
import { HOME, KIT } from "./arena.ts";

/** What Bun, Node, npm and shells look for where they are started, in a directory and its parents, and at home. */
export const PLANT = `
plant() {
  mkdir -p "$1/node_modules/.bin" "$1/.config" "$1/src"
  for name in tsconfig.json jsconfig.json; do
    printf '{"compilerOptions":{"baseUrl":".","paths":{"*":["${KIT}/evil.ts"]}}}' >"$1/$name"
  done
  for name in bunfig.toml .bunfig.toml .config/.bunfig.toml; do
    printf 'preload = ["${KIT}/evil.js"]\\n[run]\\nbun = true\\n[install]\\nregistry = "http://127.0.0.1:9/"\\n' >"$1/$name"
  done
  for name in .env .env.local .env.production .env.development; do
    printf 'NODE_PATH=${KIT}\\nLD_PRELOAD=${KIT}/evil.so\\nBUN_OPTIONS=--preload=${KIT}/evil.js\\nNODE_OPTIONS=--require=${KIT}/evil.cjs\\n' >"$1/$name"
  done
  printf '{"name":"x","workspaces":["*","*/*","*/*/*","**"],"type":"module","imports":{"#*":"${KIT}/evil.js"},"scripts":{"status":"sh ${KIT}/evil.sh","preinstall":"sh ${KIT}/evil.sh","launcher.mjs":"sh ${KIT}/evil.sh"}}' >"$1/package.json"
  printf 'registry=http://127.0.0.1:9/\\nscript-shell=${KIT}/evil.sh\\nnode-options=--require=${KIT}/evil.cjs\\n' >"$1/.npmrc"
  for name in node:fs fs path os tty citty consola valibot tar @node-rs/crc32; do
    mkdir -p "$1/node_modules/$name"
    cp ${KIT}/evil.js "$1/node_modules/$name/index.js"
    printf '{"name":"%s","version":"9.9.9","main":"index.js"}' "$name" >"$1/node_modules/$name/package.json"
  done
  for name in sh uname readlink rm cat sleep sha256sum stat id cp systemctl systemd-sysusers systemd-notify journalctl node npm; do
    cp ${KIT}/evil "$1/$name"
    cp ${KIT}/evil "$1/node_modules/.bin/$name"
  done
}
`;

/**
 * Variables that make Bun, Node, the loaders and the libraries below them read or run something. Not here: what a shell's own
 * loader obeys before the first line of a script (LD_PRELOAD, LD_AUDIT), because then she has root's shell already.
 */
export const VARIABLES: Readonly<Record<string, string>> = {
  BUN_OPTIONS: `--preload=${KIT}/evil.js`,
  BUN_INSPECT_PRELOAD: `${KIT}/evil.js`,
  BUN_INSPECT: "127.0.0.1:0?wait=1",
  BUN_INSPECT_NOTIFY: `unix://${HOME}/there/notify`,
  BUN_INSPECT_CONNECT_TO: "127.0.0.1:9",
  BUN_BE_BUN: "1",
  BUN_INSTALL: `${HOME}/there`,
  BUN_CONFIG_FILE: `${HOME}/there/bunfig.toml`,
  BUN_RUNTIME_TRANSPILER_CACHE_PATH: `${HOME}/there`,
  BUN_TMPDIR: `${HOME}/there`,
  BUN_WHICH_IGNORE_CWD: "0",
  BUN_DUMP_STATE_ON_CRASH: "1",
  BUN_JSC_dumpOptions: "2",
  NODE_OPTIONS: `--require=${KIT}/evil.cjs`,
  NODE_PATH: `${HOME}/there/node_modules:${HOME}/there`,
  NODE_REPL_EXTERNAL_MODULE: `${KIT}/evil.cjs`,
  NODE_COMPILE_CACHE: `${HOME}/there`,
  NODE_V8_COVERAGE: `${HOME}/there`,
  NODE_REDIRECT_WARNINGS: `${HOME}/there/warnings`,
  NODE_CHANNEL_FD: "3",
  NODE_UNIQUE_ID: "1",
  NODE_ICU_DATA: `${HOME}/there`,
  NODE_ENV: "development",
  NPM_CONFIG_SCRIPT_SHELL: `${KIT}/evil.sh`,
  npm_config_node_options: `--require=${KIT}/evil.cjs`,
  npm_config_userconfig: `${HOME}/there/.npmrc`,
  npm_execpath: `${KIT}/evil`,
  TS_NODE_PROJECT: `${HOME}/there/tsconfig.json`,
  OPENSSL_CONF: `${HOME}/there/openssl.cnf`,
  OPENSSL_MODULES: `${HOME}/there`,
  GCONV_PATH: `${HOME}/there`,
  LOCPATH: `${HOME}/there`,
  NLSPATH: `${HOME}/there/%N`,
  TERMINFO: `${HOME}/there`,
  TERMCAP: `${HOME}/there/termcap`,
  HOSTALIASES: `${HOME}/there/hosts`,
  RES_OPTIONS: "debug",
  TZDIR: `${HOME}/there`,
  MALLOC_TRACE: `${HOME}/there/trace`,
  GLIBC_TUNABLES: "glibc.malloc.check=3",
  ENV: `${KIT}/evil.sh`,
  BASH_ENV: `${KIT}/evil.sh`,
  SHELLOPTS: "xtrace",
  PS4: "$(sh /home/mallory/kit/evil.sh)",
  SYSTEMD_PAGER: `${KIT}/evil`,
  PAGER: `${KIT}/evil`,
  LESSOPEN: `|${KIT}/evil %s`,
  SYSTEMD_UNIT_PATH: `${HOME}/there`,
  SYSTEMD_EDITOR: `${KIT}/evil`,
  DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${HOME}/there/bus`,
  XDG_RUNTIME_DIR: `${HOME}/there`,
  XDG_DATA_HOME: `${HOME}/there`,
  GANTRY_MODULES: `${HOME}/there/node_modules`,
  GANTRY_PROBE: `${KIT}/evil.js`,
};
