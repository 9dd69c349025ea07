/** A release put in place as its systemd/README.md says, for tests of the unit alone: without `gantry install`. */
import { readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import type { SystemdHost } from "../systemd/systemd-host.ts";

/**
 * Copies a release to /opt/NAME/releases/, makes it the current one, and puts its unit and its user in place; nothing is started.
 * @param exposure drop-ins of the release that are put beside the unit
 */
export async function installByHand(
  host: SystemdHost,
  release: string,
  dropIns: readonly ("local.conf" | "airgapped.conf" | "backoff.conf")[] = [],
): Promise<void> {
  const text = readFileSync(join(release, "lib/release.json"), "utf8");
  const { binary, version } = JSON.parse(text) as { binary: string; version: string };
  const systemd = join(release, "systemd");
  const current = join(host.root, "opt", binary, "current");
  host.put(release, `/opt/${binary}/releases/${version}-by-hand`);
  rmSync(current, { force: true });
  symlinkSync(`releases/${version}-by-hand`, current);
  for (const file of readdirSync(systemd)) {
    if (file.endsWith(".service")) host.put(join(systemd, file), `/etc/systemd/system/${file}`);
    if (file.endsWith(".sysusers")) host.put(join(systemd, file), `/usr/lib/sysusers.d/${binary}.conf`);
  }
  for (const name of dropIns) {
    host.put(join(systemd, name), `/etc/systemd/system/${binary}.service.d/${name}`);
  }
  await host.shell(
    `chown -R root:root /opt/${binary} && systemd-sysusers && systemctl daemon-reload && systemctl enable ${binary}`,
  );
}
