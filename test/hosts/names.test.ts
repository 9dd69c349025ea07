/** Apps that are called like something that the host has already, and what purging one of them takes. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { gantry } from "../support/systemd/ledger.ts";
import { buildNamesake, putNamesake, putProgram } from "../support/systemd/namesake.ts";
import { bootHost, type SystemdHost } from "../support/systemd/systemd-host.ts";

let scratch = "";
let base = "";
let host: SystemdHost;

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "gantry-names-"));
  base = buildNamesake(scratch);
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const put = (name: string, user?: string) => putNamesake(host, base, name, user);
const run = (release: string, ...args: string[]) => gantry(host, args, release);
/** Everything that an installation could touch, but for what the host itself writes all the time. */
const EVERYTHING = `{ find /etc /opt /var/lib /usr/local /run/systemd/system \\
  -path /var/lib/systemd -prune -o -printf '%p %y %u %m %s %l\\n'; systemctl list-unit-files --no-pager --no-legend; } | sort`;

describe("names that are somebody else's", () => {
  beforeAll(async () => {
    host = await bootHost({ suite: "bookworm" });
    putProgram(host, base);
    await host.shell(`
      useradd -m alice; groupadd powerful; groupadd -r onlygroup
      printf '[Service]\\nExecStart=/bin/sleep infinity\\n' > /etc/systemd/system/handmade.service
      printf '[Service]\\nExecStart=/bin/sleep infinity\\n[Install]\\nAlias=byalias.service\\nWantedBy=multi-user.target\\n' > /etc/systemd/system/original.service
      systemctl enable --now -q original handmade 2>/dev/null || true
      mkdir -p /usr/lib/systemd/system && printf '[Socket]\\nListenStream=/run/triggered\\n' > /usr/lib/systemd/system/triggered.socket
      printf '[Unit]\\nDescription=x\\n[Service]\\nExecStart=/bin/true\\n' > /usr/lib/systemd/system/triggered@.service
      systemctl mask -q masked 2>/dev/null
      mkdir -p /etc/withsettings /srv/elsewhere /opt/deployed/releases/1; echo x > /etc/withsettings/main.conf
      ln -s /srv/elsewhere /var/lib/linked; ln -s releases/1 /opt/deployed/current
      mkdir -p /run/busy && touch /run/busy/socket
      printf 'u sysuser - "x"\\n' > /usr/lib/sysusers.d/described.conf
      systemctl daemon-reload`);
  });
  afterAll(() => host?.remove());

  it.each<[string, string, RegExp]>([
    ["apt", "a directory of settings", /\/etc\/apt is there already/],
    ["dbus", "a unit of a package", /dbus\.service is a unit of this host already/],
    ["systemd-journald", "a unit of systemd", /systemd-journald\.service is a unit/],
    ["alice", "a person", /alice \(uid \d+\) is a user of this host/],
    ["powerful", "a group", /powerful is a group of this host/],
    ["handmade", "a unit of the administrator", /handmade\.service is a unit/],
    ["byalias", "another name of a unit", /byalias\.service is a unit of this host already, as original/],
    ["triggered", "what a socket starts", /triggered\.socket is a unit of this host, and would start/],
    ["masked", "a unit that is masked", /masked\.service is masked[^]*systemctl unmask masked/],
    ["withsettings", "a directory", /\/etc\/withsettings is there already/],
    ["linked", "a link in the place of data", /\/var\/lib\/linked is there already/],
    ["deployed", "another tool's releases", /\/opt\/deployed holds what is not deployed's/],
    ["busy", "a directory in /run", /\/run\/busy is there already/],
    ["described", "users of a package", /described\.conf describes users/],
    ["gantry", "gantry itself", /gantry is a name that gantry or systemd uses itself/],
    ["private", "a directory of systemd", /private is a name that gantry or systemd uses itself/],
    ["ends-", "the beginning of other units' names", /cannot end in a dash/],
  ])("%s, %s: is refused, and changes nothing", async (name, _, message) => {
    const release = await put(name);
    const before = await host.shell(EVERYTHING);
    for (const args of [["install", "--dry-run"], ["install"]]) {
      const answer = await run(release, ...args);
      expect(answer.code).toBe(73);
      expect(answer.stderr).toMatch(/^gantry: NAME_TAKEN: /m);
      expect(answer.stderr).toMatch(message);
      expect(answer.stderr).toMatch(/ {2}fix {3}\S/);
    }
    expect(await host.shell(EVERYTHING)).toBe(before);
    for (const args of [["uninstall"], ["uninstall", "--purge", "--yes"]])
      expect((await run(release, ...args)).code).not.toBe(0);
    expect(await host.shell(EVERYTHING)).toBe(before);
    await host.shell(`systemctl is-active dbus && rm -r ${release}`);
  });
});

describe("names that are its own", () => {
  beforeAll(async () => {
    host = await bootHost({ suite: "trixie" });
    putProgram(host, base);
  });
  afterAll(() => host?.remove());

  it("settings and drop-ins that were there first are used, and empty directories too", async () => {
    const release = await put("early");
    await host.shell(`mkdir -p /etc/early /var/lib/early /opt/early /etc/systemd/system/early.service.d
      echo PORT=4702 > /etc/early/env; chmod 600 /etc/early/env
      printf '[Service]\\nEnvironment=OF_THE_HOST=1\\n' > /etc/systemd/system/early.service.d/host.conf`);
    expect(await run(release, "install")).toMatchObject({ code: 0, json: { outcome: "done" } });
    expect(await run(release, "install")).toMatchObject({ code: 0, json: { outcome: "unchanged" } });
    expect(await host.shell("cat /etc/early/env; cat /var/lib/early/mine")).toBe("PORT=4702\ndata");
    const planned = (await run(release, "uninstall", "--purge", "--dry-run")).json["steps"] as string[];
    const removed = (await run(release, "uninstall", "--purge", "--yes")).json["removed"] as string[];
    const named = planned.flatMap((step) => /^remove (.*)$/.exec(step)?.[1] ?? []);
    expect(named.toSorted()).toEqual(removed.toSorted());
    expect(removed).toEqual(
      expect.arrayContaining([
        "/etc/early",
        "/var/lib/early",
        "/var/lib/gantry/early",
        "/opt/early/releases",
      ]),
    );
    expect(await host.shell("ls /etc/systemd/system/early.service.d")).toBe("host.conf\n");
    expect(await host.shell("ls -d /opt/early /run/early 2>/dev/null || true")).toBe("");
    // The user stays, and is known again.
    expect(await run(release, "install")).toMatchObject({ code: 0, json: { outcome: "done" } });
    expect((await run(release, "uninstall", "--purge", "--yes")).code).toBe(0);
    expect(await host.shell("rm -r /var/lib/gantry; getent passwd early | cut -d: -f1")).toBe("early\n");
    expect(await run(release, "install")).toMatchObject({ code: 0, json: { outcome: "done" } });
    expect((await run(release, "uninstall", "--purge", "--yes")).code).toBe(0);
  });

  it("a user that the settings name may be a person, and stays one", async () => {
    await host.shell("useradd -m bob && mkdir -p /home/bob && echo diary > /home/bob/diary");
    const release = await put("forbob", "bob");
    expect(await run(release, "install")).toMatchObject({ code: 0, json: { outcome: "done" } });
    expect(await host.shell("systemctl show --value -p User forbob")).toBe("bob\n");
    expect((await run(release, "uninstall", "--purge", "--yes")).code).toBe(0);
    expect(await host.shell("cat /home/bob/diary; ls -A /var/lib/gantry")).toBe("diary\n.early.user\n");
  });

  it("neither of two apps takes the other's helpers for its own", async () => {
    const [one, other] = [await put("snapapp"), await put("snapapp-activate")];
    await host.shell("mkdir -p /etc/snapapp-activate && echo PORT=4703 > /etc/snapapp-activate/env");
    for (const release of [one, other]) expect((await run(release, "install")).code).toBe(0);
    const active = "systemctl is-active snapapp snapapp-activate";
    expect(await host.shell(active)).toBe("active\nactive\n");
    // Whoever ends an interrupted upgrade of the one stops none of the other.
    await host.shell(`systemctl enable -q gantry-recover@snapapp.service
      pid=$(systemctl show --value -p MainPID snapapp-activate)
      /opt/snapapp/current/gantry install && kill -0 $pid
      /opt/snapapp/current/gantry uninstall --purge --yes && kill -0 $pid`);
    expect(await host.shell("systemctl list-unit-files --no-legend 'gantry-*' | cut -d' ' -f1")).toBe(
      "gantry-confirm@snapapp-activate.service\ngantry-recover@snapapp-activate.service\n",
    );
    expect((await run(other, "uninstall", "--purge", "--yes")).code).toBe(0);
  });

  it("what an earlier gantry left unmarked is adopted as far as it is certain", async () => {
    const release = await put("older");
    expect((await run(release, "install")).code).toBe(0);
    // Its units had other names, and there was no mark.
    await host.shell(`cd /etc/systemd/system && systemctl disable -q gantry-recover@older gantry-confirm@older
      for unit in recover confirm; do mv gantry-$unit@older.service older-$unit.service; done
      systemctl daemon-reload; systemctl enable -q older-recover older-confirm
      rm /var/lib/gantry/older/owned.json /var/lib/gantry/.older.user; echo mine > /etc/older/mine`);
    expect((await run(release, "install")).code).toBe(0);
    expect(await host.shell("systemctl list-unit-files --no-legend '*older*' | awk '{ print $1, $2 }'")).toBe(
      "gantry-confirm@older.service enabled\ngantry-recover@older.service enabled\nolder.service enabled\n",
    );
    const answer = await run(release, "uninstall", "--purge", "--yes");
    expect(answer.code).toBe(0);
    expect(answer.json["removed"]).toEqual(expect.arrayContaining(["/var/lib/older", "/etc/older/env"]));
    expect(await host.shell("cat /etc/older/mine; ls -d /var/lib/older 2>/dev/null || true")).toBe("mine\n");
  });

  it("purging follows no link and leaves what is mounted", async () => {
    const release = await put("mounts");
    expect((await run(release, "install")).code).toBe(0);
    await host.shell(`mkdir -p /srv/shared /srv/other /var/lib/mounts/inside; echo precious > /srv/shared/file
      echo precious > /srv/other/file
      mount --bind /srv/shared /var/lib/mounts/inside; ln -s /srv/other /var/log/mounts/link
      mkdir -p /var/cache/mounts; rm -r /var/cache/mounts; ln -s /srv/other /var/cache/mounts`);
    const planned = await run(release, "uninstall", "--purge", "--dry-run");
    expect(planned.json["steps"]).toContain("leave /var/lib/mounts: /var/lib/mounts/inside is mounted");
    const answer = await run(release, "uninstall", "--purge", "--yes");
    expect(answer.code).toBe(0);
    expect(answer.json["facts"]).toContain("left /var/lib/mounts: /var/lib/mounts/inside is mounted");
    expect(await host.shell("cat /srv/shared/file /srv/other/file /var/lib/mounts/mine")).toBe(
      "precious\nprecious\ndata",
    );
    expect(await host.shell("ls -d /var/log/mounts /etc/mounts 2>/dev/null || true")).toBe("");
  });
});
