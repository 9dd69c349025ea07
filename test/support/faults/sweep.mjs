// One release after the other is broken at one place of its first start; then a plain start has to work, with the very
// tree of an undisturbed one and nothing left over. The broken start itself either works, dies of its fault, or says
// what happened with one of gantry's codes.
import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { runPlainly, runWithFault } from "./inject.mjs";

/**
 * @typedef {import("./inject.mjs").Command} Command
 * @typedef {import("./inject.mjs").Point} Point
 * @typedef {import("./inject.mjs").Fault} Fault
 * @typedef {{ root: string, start: Command, answer: string, tree: readonly string[] }} Subject
 */

/** Path, mode and SHA-256 of every file of the prepared tree. @param {string} root @returns {string[]} */
export function readTree(root) {
  const modules = join(root, "node_modules");
  return readdirSync(modules, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory() && !entry.parentPath.startsWith(join(modules, ".gantry")))
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const digest = createHash("sha256").update(readFileSync(path)).digest("hex");
      return `${path.slice(modules.length + 1)} ${(lstatSync(path).mode & 0o777).toString(8)} ${digest}`;
    })
    .toSorted();
}

/** What a start that was ready already need not look for: it would cost every start. */
const SMALL = new Set([".gantry-lock", ".gantry-claim"]);

/** @param {string} root */
const leftovers = (root) => readdirSync(root).filter((name) => name.startsWith(".gantry"));

/** As it was unpacked. @param {string} root */
export function reset(root) {
  for (const name of readdirSync(root)) {
    if (name === "node_modules" || name.startsWith(".gantry")) rmSync(join(root, name), { recursive: true });
  }
}

/** @param {Subject} subject @param {Point} point @param {Fault} fault @returns {string | undefined} what went wrong */
export function breakOnce({ root, start, answer, tree }, point, fault) {
  reset(root);
  const broken = runWithFault(start, point, fault);
  const where = `${fault} at ${point.call} ${point.nth} (${point.stage})`;
  // The same number of call may be one of the shell or a tool, which then has words of its own for it.
  const said =
    /^gantry: [A-Z_]+: .+\n(?: {2}.*\n)* {2}fix {3}\S/m.test(broken.stderr) ||
    /Input\/output error|I\/O error|No space left on device/.test(broken.stderr);
  const ran = broken.status === 0 && broken.stdout === answer;
  // The fault strikes again in the app, which makes such calls too: that is the app's to tell.
  const readied = broken.stderr.includes("gantry: the modules are ready");
  if (!ran && !said && !readied && fault !== "signal=KILL")
    return `${where}: neither ran nor said why: ${JSON.stringify(broken)}`;
  const plain = runPlainly(start);
  if (plain.status !== 0 || plain.stdout !== answer)
    return `${where}: the next start failed: ${JSON.stringify(plain)}`;
  const found = readTree(root);
  if (found.join("\n") !== tree.join("\n")) return `${where}: the tree is another one`;
  const left = leftovers(root);
  if (left.some((name) => !SMALL.has(name)) && plain.stderr !== "")
    return `${where}: ${left.join(", ")} stayed behind`;
  runPlainly({ ...start, argv: [join(root, "gantry"), "prepare"] });
  if (leftovers(root).length > 0) return `${where}: prepare leaves ${leftovers(root).join(", ")}`;
  const again = runPlainly(start);
  if (again.stderr !== "" || again.stdout !== answer)
    return `${where}: the start after that said ${again.stderr}`;
  return undefined;
}
