/** The texts that are read and written: properties of systemd, findings of another launcher, units, env files. */
import { describe, expect, it } from "vitest";
import { formatFinding, type Finding } from "../../../src/base/errors.ts";
import { commentOut } from "../../../src/service/settings-file.ts";
import { generationName, generationVersion, serviceLayout } from "../../../src/service/service-layout.ts";
import { parseFindings } from "../../../src/service/releases/prepare-release.ts";
import { parseRecord } from "../../../src/service/transaction/record.ts";
import { isUp, parseProperties } from "../../../src/service/systemd/systemctl.ts";
import {
  formatActivation,
  formatRecoveryUnit,
  withoutSupervision,
} from "../../../src/service/systemd/installed-units.ts";

describe("a generation's name", () => {
  it("is the version and the release's first twelve digits", () => {
    expect(generationName("1.2.3-rc.1+b5", "0123456789abcdef")).toBe("1.2.3-rc.1+b5-0123456789ab");
    expect(generationVersion("1.2.3-rc.1+b5-0123456789ab")).toBe("1.2.3-rc.1+b5");
  });

  it.each([["../1"], ["a/b"], [""], [".hidden"], ["1 2"]])("refuses the version %j", (version) => {
    expect(() => generationName(version, "0123456789abcdef")).toThrow("MANIFEST_INVALID");
  });

  it.each([[".gantry-work-0123"], ["current"], ["1.0.0"], ["1.0.0-xyz"]])("is not %j", (name) => {
    expect(generationVersion(name)).toBeUndefined();
  });
});

describe("systemctl show", () => {
  it("is read by name, values with = included, and what is missing is empty", () => {
    const state = parseProperties("ActiveState=activating\nStatusText=a=b\nMainPID=12\nUnknown=1\n");
    expect(state).toMatchObject({
      ActiveState: "activating",
      StatusText: "a=b",
      MainPID: "12",
      SubState: "",
    });
    expect(isUp(state)).toBe(true);
    expect(isUp(parseProperties("ActiveState=failed\n"))).toBe(false);
  });
});

const said = (findings: readonly Finding[]) =>
  findings.map((finding) => `gantry: ${formatFinding(finding).join("\n")}`).join("\n");

describe("the findings of a release's own launcher", () => {
  it("come out as they went in", () => {
    const findings: Finding[] = [
      {
        code: "LIBC_TOO_OLD",
        what: "x needs GLIBC_2.99",
        where: "node_modules/x.node",
        fix: "use musl",
        detail: ["a", "b"],
      },
      { code: "DISK_FULL", what: "no space left (ENOSPC)", fix: "free some" },
    ];
    expect(parseFindings(`gantry: loading 1 module\n${said(findings)}\n`)).toEqual(findings);
  });

  it("keep the words of a code that only a later version knows", () => {
    expect(parseFindings("gantry: FLUX_LOW: no flux\n  fix   add flux\n")).toEqual([
      { code: "MODULE_UNAVAILABLE", what: "FLUX_LOW: no flux", fix: "add flux" },
    ]);
  });

  it("are none in other text", () => {
    expect(parseFindings("Segmentation fault\n  file  x\n")).toEqual([]);
  });
});

describe("the unit of an app's own command", () => {
  const unit = `[Unit]
Description=app
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=all
ExecStartPre=/bin/true
ExecStart=/opt/app/current/app \\
  serve
User=app
EnvironmentFile=-/etc/app/env
Restart=on-failure
RestartSec=3
RestartPreventExitStatus=64 65
TimeoutStartSec=90
ProtectSystem=strict

[Install]
WantedBy=multi-user.target
`;

  it("keeps user, environment and rights, and is no service any more", () => {
    const lines = withoutSupervision(unit)
      .split("\n")
      .filter((line) => line !== "");
    expect(lines).toEqual([
      "[Unit]",
      "Description=app",
      "[Service]",
      "User=app",
      "EnvironmentFile=-/etc/app/env",
      "ProtectSystem=strict",
    ]);
  });

  it("quotes its command for systemd", () => {
    const text = formatActivation(unit, ["/opt/app/releases/1/app", "migrate", 'a "b" $C %d \\e']);
    expect(text).toContain('ExecStart="/opt/app/releases/1/app" "migrate" "a \\"b\\" $$C %%d \\\\e"\n');
    expect(text.match(/^ExecStart=/gm)).toHaveLength(1);
    expect(text).toContain("Type=oneshot");
  });
});

it("recovery units run around the service, with a record, by the healthy release", () => {
  const layout = serviceLayout("app", "/");
  const [before, after] = [formatRecoveryUnit(layout, "recover"), formatRecoveryUnit(layout, "confirm")];
  for (const text of [before, after]) {
    expect(text).toContain("ConditionPathExists=/var/lib/gantry/app/upgrade.json\n");
    expect(text).toContain("ExecStart=/opt/app/fallback/gantry recover");
  }
  expect(before).toContain("\nBefore=app.service\n");
  expect(before).toContain("gantry recover --boot\n");
  expect(after).toContain("\nAfter=app.service\n");
});

it("an example's settings become comments, and comments stay", () => {
  expect(commentOut("# a word\n\nTOKEN=x\nexport PORT=1\n;old\n  spaced=1\n")).toBe(
    "# a word\n\n#TOKEN=x\n#export PORT=1\n;old\n#  spaced=1\n",
  );
});

it("a record that is torn or of another schema is none", () => {
  const record = {
    schema: 1,
    action: "upgrade",
    from: "1.0.0-00000000000a",
    to: null,
    created: false,
    running: true,
    step: "placing",
    began: 5,
    who: { user: "root", uid: 0 },
  };
  const text = JSON.stringify(record);
  expect(parseRecord(text)).toEqual(record);
  expect(parseRecord(text.slice(0, -1))).toBeUndefined();
  expect(parseRecord(JSON.stringify({ ...record, schema: 2 }))).toBeUndefined();
  expect(parseRecord(JSON.stringify({ ...record, from: "../../etc" }))).toBeUndefined();
});
