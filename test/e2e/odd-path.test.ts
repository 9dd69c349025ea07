/** A release in a directory whose name its runtime cannot use: refused by that name, by every shell, and left as it was. */
import { spawnSync } from "node:child_process";
import { readdirSync, renameSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { copyRelease, makeScratch, type Scratch } from "../support/app/release.ts";

const SHELLS = ["dash", "busybox sh", "bash --posix"].filter(
  (shell) => spawnSync("sh", ["-c", `${shell} -c true`]).status === 0,
);
/** By what printf(1) makes of it, because an argument of spawn is always UTF-8. */
const NAMES = [
  ["a question mark", String.raw`what?`, /no module from a path with \? or \\/],
  ["a backslash", String.raw`back\134slash`, /no module from a path with \? or \\/],
  ["bytes that are no UTF-8", String.raw`bad\377\376`, /bytes that are no UTF-8/],
] as const;

let scratch: Scratch;
let release = "";
beforeAll(() => {
  scratch = makeScratch();
  release = copyRelease(scratch.directory, "release");
});
afterAll(() => scratch.dispose());

const within = (name: string) =>
  Buffer.concat([
    Buffer.from(`${scratch.directory}/`),
    spawnSync("printf", [name], { encoding: "buffer" }).stdout,
  ]);

describe.each(NAMES)("a name with %s", (_what, name, message) => {
  it.each(
    SHELLS.flatMap((shell) => [[shell, "brain --version"] as const, [shell, "gantry prepare"] as const]),
  )("is refused under %s: %s", (shell, command) => {
    const place = within(name);
    renameSync(release, place);
    try {
      const [script, argument] = command.split(" ");
      const line = `exec ${shell} "$1/$(printf "$2")/${script}" ${argument}`;
      const env = { ...scratch.env, PATH: `${scratch.env["PATH"]}:/usr/bin:/bin` };
      const args = ["-c", line, "sh", scratch.directory, name];
      const ran = spawnSync("sh", args, { cwd: scratch.empty, env, encoding: "utf8" });
      expect({ status: ran.status, stdout: ran.stdout }).toEqual({ status: 78, stdout: "" });
      expect(ran.stderr).toMatch(/^gantry: CONFIG_INVALID: /m);
      expect(ran.stderr).toMatch(message);
      expect(ran.stderr).toMatch(/^ {2}fix {3}move the release to a directory /m);
      const left = readdirSync(place).filter((entry) => /node_modules|\.gantry/.test(entry));
      expect(left).toEqual([]);
    } finally {
      renameSync(place, release);
    }
  });
});
