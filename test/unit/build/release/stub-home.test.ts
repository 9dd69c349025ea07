/** `sudo ./gantry install` from somebody's home, with an /opt of the test's own: what root copies, and what it refuses. */
import { execFileSync, spawnSync } from "node:child_process";
import { appendFileSync, chownSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { ME, OTHER, place, SHELLS } from "./stub-trust.ts";

/** Runs root's command as sudo would call it, and lists what is left in /opt. */
const sudo = (shell: readonly string[], caller: number, ...args: readonly string[]) => {
  const script = 'mount -t tmpfs -o mode=755 tmpfs /opt; "$@"; code=$?; ls -A /opt; exit $code';
  const command = [...shell, join(place.root, "gantry"), ...args];
  const { status, stdout, stderr } = spawnSync("unshare", ["-m", "sh", "-c", script, "sh", ...command], {
    encoding: "utf8",
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", SUDO_UID: `${caller}` },
  });
  return { status, stdout, stderr };
};

describe.skipIf(process.getuid?.() !== 0).each(SHELLS.map((shell) => [shell.join(" "), shell] as const))(
  "under %s",
  (_, shell) => {
    beforeEach(() => {
      writeFileSync(join(place.root, ".env"), "SECRET=1\n");
      const sums = "sha256sum app gantry setup.sh lib/app lib/launcher.mjs >SHA256SUMS";
      execFileSync("sh", ["-c", `${sums} && chown -R ${ME}:${ME} . && chmod 700 .`], { cwd: place.root });
    });

    it("root copies the caller's release, goes on from the copy, and leaves nothing of it", () => {
      expect(sudo(shell, ME, "install", "--json")).toEqual({
        status: 0,
        stdout: "install --json\n",
        stderr: "",
      });
    });

    it("a file of a third person's is refused, and so is the whole of one", () => {
      expect(sudo(shell, OTHER, "install")).toMatchObject({ status: 73, stdout: "" });
      chownSync(join(place.root, "lib/launcher.mjs"), OTHER, OTHER);
      const { status, stdout, stderr } = sudo(shell, ME, "install");
      expect({ status, stdout }).toEqual({ status: 73, stdout: "" });
      expect(stderr).toContain(`${place.root}/lib/launcher.mjs is owned by user ${OTHER} (mode 644)`);
    });

    it("a file that is not as the sums say is never run", () => {
      appendFileSync(join(place.root, "lib/launcher.mjs"), "x");
      expect(sudo(shell, ME, "install")).toMatchObject({
        status: 65,
        stdout: "",
        stderr: expect.stringContaining(
          "gantry: DIGEST_MISMATCH: a file of the release is not as SHA256SUMS says",
        ),
      });
    });

    it("what needs no root is named without it", () => {
      const { status, stderr } = sudo(shell, ME, "status");
      expect(status).toBe(73);
      expect(stderr).toContain(`  fix   ${place.root}/gantry status\n`);
    });
  },
);
