import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hostId } from "../../../../src/release/start/stamp.ts";

const ID = "0123456789abcdef0123456789abcdef";
const DEBIAN =
  'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nID=debian\n';

/** What a host says of itself, and the name that follows from machine-id(5) and os-release(5). */
const HOSTS: { what: string; machineId?: string; osRelease?: string; name: string }[] = [
  { what: "a machine id", machineId: `${ID}\n`, osRelease: DEBIAN, name: ID },
  { what: "a machine id without line feed", machineId: ID, name: ID },
  { what: "an empty machine id", machineId: "", osRelease: DEBIAN, name: "debian-12" },
  { what: "a first boot", machineId: "uninitialized\n", osRelease: DEBIAN, name: "debian-12" },
  { what: "a machine id of 31 digits", machineId: `${ID.slice(1)}\n`, osRelease: DEBIAN, name: "debian-12" },
  { what: "a machine id of 33 digits", machineId: `${ID}0\n`, osRelease: DEBIAN, name: "debian-12" },
  {
    what: "a machine id in capitals",
    machineId: `${ID.toUpperCase()}\n`,
    osRelease: DEBIAN,
    name: "debian-12",
  },
  { what: "a rolling distribution", osRelease: "ID=arch\nBUILD_ID=rolling\n", name: "arch-" },
  { what: "single quotes", osRelease: "ID='alpine'\nVERSION_ID='3.20.1'\n", name: "alpine-3.20.1" },
  { what: "no line feed at the end", osRelease: "VERSION_ID=9.4\nID=rhel", name: "rhel-9.4" },
  { what: "a value that is no word", osRelease: 'ID="$(touch x)"\nVERSION_ID="a b"\n', name: "unknown" },
  { what: "two assignments", osRelease: "ID=one\nID=two\nVERSION_ID=1\n", name: "one-1" },
  { what: "names that only end alike", osRelease: "BUILD_ID=7\nVERSION_ID=2\nXID=9\nID=x\n", name: "x-2" },
  { what: "nothing", name: "unknown" },
  { what: "empty files", machineId: "\n", osRelease: "", name: "unknown" },
];

describe("hostId", () => {
  it.each(HOSTS)("names a host with $what", ({ machineId, osRelease, name }) => {
    expect(hostId({ machineId, osRelease })).toBe(name);
  });
});

describe("the stub's spelling of the host", () => {
  let directory = "";
  let script = "";
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "gantry-stamp-"));
    const parts = ["machine-id", "os-release"].map((name) =>
      readFileSync(new URL(`../../../../templates/${name}.sh`, import.meta.url), "utf8"),
    );
    const end = `[ -n "$gantry_host" ] || read_os_release\nprintf '%s' "$gantry_host"\n`;
    script = [...parts, end]
      .join("")
      .replaceAll("/etc/machine-id", "./machine-id")
      .replaceAll("/etc/os-release", "./os-release");
    writeFileSync(join(directory, "host.sh"), script);
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  const shells = [["sh"], ["dash"], ["busybox", "sh"], ["bash", "--posix"]].filter(
    ([command = ""]) => spawnSync(command, ["-c", "true"]).error === undefined,
  );
  it.each(shells)("is the launcher's, under %s %s", (command, ...first) => {
    expect(script).toContain("./machine-id");
    for (const { what, machineId, osRelease, name } of HOSTS) {
      for (const [file, text] of Object.entries({ "machine-id": machineId, "os-release": osRelease })) {
        if (text === undefined) rmSync(join(directory, file), { force: true });
        else writeFileSync(join(directory, file), text);
      }
      const args = [...first.filter((arg) => arg !== undefined), "host.sh"];
      const said = execFileSync(command ?? "sh", args, { cwd: directory, encoding: "utf8" });
      expect({ what, said }).toEqual({ what, said: name });
    }
  });
});
