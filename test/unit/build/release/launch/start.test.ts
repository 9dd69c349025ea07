/** A first start from odd places and with standard streams that are closed; another program stands for launcher and app. */
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { makeStand } from "../../../../support/build/launch-stand.ts";
import { LAUNCH_SHELLS } from "../../../../support/build/shells.ts";

let root = "";
afterEach(() => rmSync(dirname(root), { recursive: true }));

describe.each(LAUNCH_SHELLS.map((shell) => [shell.join(" "), shell] as const))("under %s", (_, shell) => {
  it.each(["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"])("a first start with %s works", (closed) => {
    // Unlike echo the launcher does not mind where its words go; bash has its script at a descriptor that is free.
    ({ root } = makeStand("/bin/true"));
    const command = ["-c", `"$@" ${closed}`, "sh", ...shell, join(root, "app"), "x"];
    expect(spawnSync("sh", command, { cwd: "/", encoding: "utf8" })).toMatchObject({ status: 0, stdout: "" });
  });

  it.each([
    "a?b*[c]",
    String.raw`back\slash`,
    "%20 100%zz %s",
    `it's "quoted"`,
    "two\nlines\n",
    "-n -e",
    "$(touch owned) `touch owned` $HOME ;&|",
    "\u001B[31m",
    "ünï ©",
  ])("the launcher is given the path %j as it is", (name) => {
    ({ root } = makeStand("/bin/echo", name));
    const [command = "", ...args] = shell;
    const run = spawnSync(command, [...args, join(root, "app"), "x"], {
      cwd: dirname(root),
      encoding: "utf8",
    });
    expect(run).toMatchObject({ status: 0, stdout: "x\n" });
    expect(run.stderr).toBe(`start ${root}\n`);
  });
});
