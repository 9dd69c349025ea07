/** What an attacker leaves where somebody may look for settings, modules and programs. */
import { KIT } from "./arena.ts";

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
