/** Settings of a service, as a real systemd understands the unit that is made of them. */
import { afterEach, expect, it } from "vitest";
import { renderUnits } from "../../src/build/release/render-units.ts";
import type { Service } from "../../src/release/service-schema.ts";
import { show } from "../support/systemd/service-state.ts";
import { bootHost, type SystemdHost } from "../support/systemd/systemd-host.ts";

/** Settings that would be something else in a unit if they were not escaped. */
const ODD: Service = {
  user: "odd",
  description: "100 % of %h, @USER@ # not \\",
  type: "exec",
  arguments: [
    "a b",
    "$HOME",
    "${PORT}",
    "%n",
    'say "x"',
    "it's",
    "back\\slash",
    ";",
    "#",
    "@",
    "-",
    "\u{1f41a}",
  ],
  port: 443,
  directories: ["/srv/odd", "/srv/odd.d/x_1"],
  memory: "20%",
  tasks: 16,
  healthWindow: 600,
  healthSettle: 3,
  snapshot: true,
  exposure: "public",
};

let host: SystemdHost | undefined;
afterEach(async () => host?.remove());

it.each(["bullseye", "bookworm", "trixie"] as const)("reach the app as they are on %s", async (suite) => {
  host = await bootHost({ suite });
  const files = renderUnits({ binary: "odd", gantry: "0.1.0", service: ODD }, "odd-v1.0.0");
  host.write("/etc/systemd/system/odd.service", files["systemd/odd.service"] ?? "");
  host.write("/usr/lib/sysusers.d/odd.conf", files["systemd/odd.sysusers"] ?? "");
  host.write(
    "/opt/odd/current/odd",
    '#!/bin/sh\nprintf "%s\\n" "$PORT" "$@" > args\nexec sleep 100\n',
    0o755,
  );
  for (const directory of ODD.directories) await host.shell(`mkdir -p ${directory}`);
  await host.shell("systemd-sysusers && chown odd /srv/odd && systemctl daemon-reload");
  expect(await host.run(["systemd-analyze", "verify", "odd.service"])).toEqual({
    code: 0,
    stdout: "",
    stderr: "",
  });
  await host.shell("systemctl start odd");
  const args = "/var/lib/odd/args";
  await host.shell(`for i in $(seq 200); do [ -s ${args} ] && exit 0; sleep 0.1; done; exit 1`);
  expect((await host.shell(`cat ${args}`)).split("\n")).toEqual(["443", ...ODD.arguments, ""]);
  expect(await show(host, "Description", "odd")).toBe("100 % of %h, @USER@ # not");
  expect(await show(host, "User", "odd")).toBe("odd");
  expect(await host.shell("getent passwd odd")).toMatch(/^odd:x:\d+:\d+:100 %% of|^odd:x:\d+:\d+:100 % of/);
});
