// Makes git use .githooks/ in this clone. Runs at `npm ci`; changes nothing outside a clone or where hooks are set up.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** @param {string[]} args */
const git = (...args) => spawnSync("git", args, { cwd: root, stdio: "ignore" }).status;

// 1 is "not set": see git-config(1).
if (existsSync(`${root}/.git`) && git("config", "core.hooksPath") === 1)
  git("config", "core.hooksPath", ".githooks");
