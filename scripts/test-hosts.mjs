// npm run test:hosts: the tests that need real hosts. Root on Debian; installs the Debian packages that it uses.
// node scripts/test-hosts.mjs --whole runs the wide tables completely. The suite runs a part of each.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { ensureBuilt, runStep, runTool, tellCpuTime } from "./install.mjs";

/** Debian packages, each with a file that shows that it is installed. */
const PACKAGES = {
  mmdebstrap: "/usr/bin/mmdebstrap",
  "busybox-static": "/usr/bin/busybox",
  "qemu-user-static": "/usr/bin/qemu-aarch64-static",
  musl: "/usr/lib/x86_64-linux-musl/libc.so",
  "musl-tools": "/usr/bin/musl-gcc",
  strace: "/usr/bin/strace",
  acl: "/usr/bin/setfacl",
  gcc: "/usr/bin/gcc",
  "g++": "/usr/bin/g++",
  make: "/usr/bin/make",
  python3: "/usr/bin/python3",
  "libc6-dev": "/usr/include/stdlib.h",
  shellcheck: "/usr/bin/shellcheck",
  minisign: "/usr/bin/minisign",
  "docker-registry": "/usr/bin/docker-registry",
  "apache2-utils": "/usr/bin/htpasswd",
  "systemd-container": "/usr/bin/systemd-nspawn",
  iproute2: "/usr/sbin/ip",
  e2fsprogs: "/usr/sbin/mkfs.ext4",
  xfsprogs: "/usr/sbin/xfs_io",
  buildah: "/usr/bin/buildah",
  podman: "/usr/bin/podman",
  runc: "/usr/sbin/runc",
  netavark: "/usr/lib/podman/netavark",
  catatonit: "/usr/bin/catatonit",
};

if (process.getuid?.() !== 0 || !existsSync("/etc/debian_version")) {
  console.error("test:hosts: needs root on Debian; nothing was run");
  process.exit(1);
}
const missing = Object.entries(PACKAGES).flatMap(([name, file]) => (existsSync(file) ? [] : [name]));
if (missing.length > 0) {
  spawnSync("apt-get", ["-qq", "update"], { stdio: "inherit" });
  runStep("apt-get", ["-qq", "-y", "--no-install-recommends", "install", ...missing], {
    DEBIAN_FRONTEND: "noninteractive",
  });
}
tellCpuTime("npm run test:hosts");
ensureBuilt();
runTool("vitest", ["run", "--project", "hosts*"], {
  GANTRY_TEST_REPORT: "hosts",
  ...(process.argv.includes("--whole") ? { GANTRY_TEST_WHOLE: "1" } : {}),
});
