/** `sudo ./gantry install` from somebody's home, with an /opt of the test's own: what root copies, and what it refuses. */
import { execFileSync, spawnSync } from "node:child_process";
import { appendFileSync, chownSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { ME, OTHER, place, usePlace } from "../../../support/build/stub-trust.ts";
import { SHELLS } from "../../../support/build/shells.ts";

usePlace();

/** Runs root's command as sudo would call it, on a host that was prepared, and lists what is left in /opt. */
const sudoOn = (prepare: string, shell: readonly string[], caller: number, ...args: readonly string[]) => {
  const script = `for place in /opt /var/lib; do mount -t tmpfs -o mode=755 tmpfs $place; done
    ${prepare}
    "$@"; code=$?; ls -A /opt; exit $code`;
  const command = [...shell, join(place.root, "gantry"), ...args];
  const { status, stdout, stderr } = spawnSync("unshare", ["-m", "sh", "-c", script, "sh", ...command], {
    encoding: "utf8",
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", SUDO_UID: `${caller}` },
  });
  return { status, stdout, stderr };
};
const sudo = (shell: readonly string[], caller: number, ...args: readonly string[]) =>
  sudoOn("", shell, caller, ...args);

const INSTALLED = "mkdir -p /opt/app/current/lib /var/lib/gantry/app; : >/opt/app/current/gantry";
/** The status and the command that a third person's release is refused with. */
function refusalOn(shell: readonly string[], prepare: string): string {
  const { status, stderr } = sudoOn(`${INSTALLED}\n${prepare}`, shell, OTHER, "install");
  return `${status} ${/^ {2}fix {3}(.*)$/m.exec(stderr)?.[1] ?? stderr}`;
}

describe.skipIf(process.getuid?.() !== 0).each(SHELLS.map((shell) => [shell.join(" "), shell] as const))(
  "under %s",
  (_, shell) => {
    beforeEach(() => {
      writeFileSync(join(place.root, ".env"), "SECRET=1\n");
      const sums = "sha256sum app gantry setup.sh lib/app lib/launcher.mjs >SHA256SUMS";
      execFileSync("sh", ["-c", `${sums} && chown -R ${ME}:${ME} . && chmod 700 .`], { cwd: place.root });
    });

    it("root copies the caller's release, continues from the copy, and removes it", () => {
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

    it("a third person's is named with the installed gantry, and a key if none is pinned", () => {
      const fix = refusalOn.bind(undefined, shell);
      const plain = `73 sudo /opt/app/current/gantry upgrade ${place.root}`;
      const [manifest, keys] = ["/opt/app/current/lib/release.json", "/var/lib/gantry/app/keys.json"];
      const [without, pinned] = [
        `echo '{ "name": "app" }' >${manifest}`,
        `echo ' "publicKey": "RW"' >${manifest}`,
      ];
      // A key can check nothing of an unsigned release.
      expect(fix(without)).toBe(plain);
      writeFileSync(join(place.root, "SHA256SUMS.minisig"), "");
      expect(fix(without)).toBe(`${plain} --public-key KEY`);
      expect(fix(pinned)).toBe(plain);
      expect(fix(`${without}; printf '{"schema":1,"pinned":["RW"],"revoked":[]}' >${keys}`)).toBe(plain);
      expect(fix(`${pinned}; echo '{"schema":1,"pinned":[],"revoked":["RW"]}' >${keys}`)).toBe(
        `${plain} --public-key KEY`,
      );
      // What somebody else could have put there is named to nobody.
      expect(fix(`chown ${OTHER} /opt/app`)).toBe(
        `73 sudo cp -R ${place.root} /root/ && sudo /root/release/gantry install`,
      );
    });

    it("what needs no root is named without it", () => {
      const { status, stderr } = sudo(shell, ME, "status");
      expect(status).toBe(73);
      expect(stderr).toContain(`  fix   ${place.root}/gantry status\n`);
    });
  },
);
