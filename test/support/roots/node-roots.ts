/** A host whose own Node is a musl one, as on Alpine: the one musl Node that the npm registry has, pnpm's. */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CPP_ON_MUSL, debianRoot, ensureRoot, muslRoot, npmPackage } from "./roots.ts";

/** 26.0.0, as the program says of itself. */
export const MUSL_NODE_MAJOR = 26 as const;

/** What Debian 13's libstdc++ and libgcc call and musl 1.2.3 does not have; enough for a Node to start. */
const SHIM = `${CPP_ON_MUSL}
unsigned long __isoc23_strtoul(const char *s, char **end, int base) { return strtoul(s, end, base); }
int strfromf128(char *s, unsigned long n, const char *f, __float128 v) { return 0; }
__float128 strtof128(const char *s, char **end) { return 0; }
`;

/**
 * pnpm's program is a Node with an app in it, switched on by the last byte of this mark (Node's documentation, "Single
 * executable applications"); switched off it is the bare Node.
 */
const FUSE = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2:";

/** Busybox, musl and a Node in /usr/bin; the file that npm packages take for the sign of musl is there as well. */
export function muslNodeRoot(): string {
  const base = muslRoot();
  return ensureRoot("musl-node", (directory) => {
    execFileSync("cp", ["-a", `${base}/.`, directory]);
    for (const path of ["usr/lib", "usr/bin"]) mkdirSync(join(directory, path), { recursive: true });
    const libraries = join(debianRoot("trixie"), "usr/lib/x86_64-linux-gnu");
    for (const name of ["libstdc++.so.6", "libgcc_s.so.1"]) {
      execFileSync("cp", ["-L", join(libraries, name), join(directory, "usr/lib")]);
    }
    const source = join(directory, "tmp/shim.c");
    writeFileSync(source, SHIM);
    const shim = join(directory, "usr/lib/ld-linux-x86-64.so.2");
    execFileSync("musl-gcc", ["-shared", "-fPIC", "-w", "-o", shim, source]);
    const pnpm = readFileSync(join(npmPackage("node-musl"), "pnpm"));
    for (let at = pnpm.indexOf(FUSE); at >= 0; at = pnpm.indexOf(FUSE, at + 1)) {
      if (pnpm[at + FUSE.length] === "1".charCodeAt(0)) pnpm[at + FUSE.length] = "0".charCodeAt(0);
    }
    writeFileSync(join(directory, "usr/bin/node"), pnpm);
    chmodSync(join(directory, "usr/bin/node"), 0o755);
    writeFileSync(join(directory, "etc/alpine-release"), "0.0.0\n");
  });
}
