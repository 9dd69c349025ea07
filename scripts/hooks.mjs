// Makes git use .githooks/ in this clone at `npm ci` and `npm install`. Does nothing at `npm pack`, on a CI machine,
// outside a clone, or when hooks are set up already.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** @param {string[]} args */
const git = (...args) => spawnSync("git", args, { cwd: root, stdio: "ignore" }).status;

// Exit 1 of `git config` means "not set" (git-config(1)).
const installing = ["ci", "install"].includes(process.env["npm_command"] ?? "");
if (
  installing &&
  process.env["CI"] === undefined &&
  existsSync(`${root}/.git`) &&
  git("config", "core.hooksPath") === 1
)
  git("config", "core.hooksPath", ".githooks");
