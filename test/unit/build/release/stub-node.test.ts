import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { renderStubs } from "../../../../src/build/release/stub.ts";
import type { Manifest } from "../../../../src/release/manifest.ts";
import { hostId, notePath } from "../../../../src/release/start/stamp.ts";
import { SHELLS } from "../../../support/build/shells.ts";
import { targetOfHost } from "../../../../src/release/targets.ts";

const file = { size: 1, sha256: "0".repeat(64) };
const host = targetOfHost(process.platform, process.arch, existsSync("/etc/alpine-release") ? "musl" : "gnu");
const manifestFor = (system: boolean): Manifest => ({
  schema: 1,
  name: "app",
  version: "1.2.3",
  binary: "app",
  target: host.name,
  gantry: "0.1.0",
  runtime: { kind: "node", version: "24.21.0", abi: 137, system, entry: "lib/app/it's $(touch owned).js" },
  ...(system ? {} : { executable: file }),
  launcher: file,
  install: "vendor",
  externals: [],
  modules: {},
  native: [],
});
/** Says of itself what a Node of this ABI and version would, and otherwise prints what it was given. */
const nodeOf = (abi: string, version: string): string =>
  `#!/bin/sh\nif [ "$1" = -p ]; then echo "${abi} v${version}"; else echo "$@"; fi\n`;

const read = (path: string): string | undefined =>
  existsSync(path) ? readFileSync(path, "utf8") : undefined;

let root = "";
/** A directory for the PATH, beside the release. */
let bin = "";
beforeEach(() => {
  const top = realpathSync(mkdtempSync(join(tmpdir(), "gantry node stub ")));
  root = join(top, "release");
  bin = join(top, "bin");
  mkdirSync(join(root, "lib/app"), { recursive: true });
  mkdirSync(bin);
  writeFileSync(join(root, "lib/launcher.mjs"), "");
  writeFileSync(join(root, "lib/app/it's $(touch owned).js"), "");
});
afterEach(() => rmSync(join(root, ".."), { recursive: true }));

const write = (system: boolean, needs: readonly string[] = []): void => {
  const libraries = needs.map((value) => ({ value, by: ["node"] }));
  const requires = { arch: host.arch, libc: "glibc" as const, abi: [], libraries };
  const stubs = renderStubs({
    manifest: { ...manifestFor(system), ...(needs.length === 0 ? {} : { requires }) },
    base: "app-v1.2.3",
    releaseId: "0123456789abcdef",
    launcher: ["launcher.mjs"],
    proven: [],
  });
  for (const [name, text] of Object.entries(stubs)) writeFileSync(join(root, name), text, { mode: 0o755 });
};
const stampNow = (): string => {
  const name = hostId({ machineId: read("/etc/machine-id"), osRelease: read("/etc/os-release") });
  const stamp = join(root, "node_modules/.gantry", `0123456789abcdef-${name}`);
  mkdirSync(join(stamp, ".."), { recursive: true });
  writeFileSync(stamp, "");
  const note = join(stamp, "..", notePath("0123456789abcdef", name, root, undefined));
  mkdirSync(join(note, ".."), { recursive: true });
  writeFileSync(note, "");
  return stamp;
};
const putNode = (abi: string, version: string): string => {
  const path = join(bin, "node");
  writeFileSync(path, nodeOf(abi, version), { mode: 0o755 });
  for (const each of [path, bin]) utimesSync(each, 0, 0);
  return path;
};
const run = (shell: readonly string[], path: string, ...args: string[]) => {
  const [command = "sh", ...first] = shell;
  const program = spawnSync("/bin/sh", ["-c", `command -v ${command}`], { encoding: "utf8" }).stdout.trim();
  const { status, stdout, stderr } = spawnSync(program, [...first, join(root, "app"), ...args], {
    encoding: "utf8",
    cwd: root,
    // uname and od, without whatever node lies beside them.
    env: { PATH: `${path}:${tools()}`, LC_ALL: "C" },
  });
  return { status, stdout, stderr };
};
const tools = (): string => {
  const place = join(root, "../tools");
  if (existsSync(place)) return place;
  mkdirSync(place);
  for (const name of ["uname", "od", "sh"])
    symlinkSync(existsSync(`/bin/${name}`) ? `/bin/${name}` : `/usr/bin/${name}`, join(place, name));
  return place;
};
const appLine = (...args: string[]): string =>
  `${["--require", `${root}/lib/preload.cjs`, `${root}/lib/app/it's $(touch owned).js`, ...args].join(" ")}\n`;

describe.each(SHELLS.map((shell) => [shell.join(" "), shell] as const))("under %s", (_, shell) => {
  it("a stamped release execs its own Node with preload, entry and arguments", () => {
    write(false);
    copyFileSync(realpathSync("/bin/echo"), join(root, "lib/node"));
    utimesSync(join(root, "lib/node"), 0, 0);
    stampNow();
    expect(run(shell, bin, "a b", "$c")).toEqual({ status: 0, stdout: appLine("a b", "$c"), stderr: "" });
    expect(existsSync(join(root, "owned"))).toBe(false);
  });

  it("a replaced Node of its own means the cold path", () => {
    write(false);
    copyFileSync(realpathSync("/bin/echo"), join(root, "lib/node"));
    stampNow();
    const later = new Date(Date.now() + 3_600_000);
    utimesSync(join(root, "lib/node"), later, later);
    const { stdout, stderr } = run(shell, bin, "x");
    expect(stdout).toBe(appLine("x"));
    expect(stderr).toContain("launcher.mjs start");
  });

  it("without its entry it ends before anything is started", () => {
    write(false);
    copyFileSync(realpathSync("/bin/echo"), join(root, "lib/node"));
    rmSync(join(root, "lib/app/it's $(touch owned).js"));
    expect(run(shell, bin)).toMatchObject({ status: 66, stdout: "" });
  });

  it.skipIf(host.libc !== "gnu")(
    "a library that its Node needs and the host lacks is named, by the loader's word",
    () => {
      write(false, ["libx.so.6"]);
      copyFileSync(realpathSync("/bin/echo"), join(root, "lib/node"));
      // Not where it usually lies, and yet the program starts: the loader knows better.
      expect(run(shell, bin, "x").stderr).toContain("launcher.mjs start");
      const bytes = readFileSync(join(root, "lib/node"), "latin1").replaceAll("libc.so.6", "libx.so.6");
      writeFileSync(join(root, "lib/node"), bytes, "latin1");
      const refused = run(shell, bin, "x");
      expect(refused).toMatchObject({ status: 69, stdout: "" });
      expect(refused.stderr).toMatch(/^gantry: LIBRARY_MISSING: the program needs libx\.so\.6, /);
      expect(refused.stderr).toMatch(/fix +install the package that contains it\n$/);
    },
  );

  describe("on the host's own Node", () => {
    it("the first of the PATH counts, and directories that depend on the caller do not", () => {
      write(true);
      const node = putNode("137", "24.1.0");
      writeFileSync(`${stampNow()}.node`, `${node}\n${node}\n`);
      expect(run(shell, `.::bin:${bin}`, "x")).toEqual({ status: 0, stdout: appLine("x"), stderr: "" });
    });

    it("no Node says so", () => {
      write(true);
      const refused = run(shell, bin, "x");
      expect(refused).toMatchObject({ status: 71, stdout: "" });
      expect(refused.stderr).toMatch(/EXEC_FAILED: node: not found/);
    });

    it("is found on a PATH that has nothing of the system's own", () => {
      write(true);
      putNode("137", "24.1.0");
      rmSync(join(tools(), "uname"));
      const started = run(shell, bin, "x");
      expect(started.stderr).toContain("launcher.mjs start");
      expect(started.stderr).not.toContain("uname");
      expect(started).toMatchObject({ status: 0, stdout: appLine("x") });
    });

    it("another ABI is refused with both numbers, before the launcher", () => {
      write(true);
      const node = putNode("127", "22.3.4");
      const refused = run(shell, bin, "x");
      expect(refused).toMatchObject({ status: 69, stdout: "" });
      expect(refused.stderr).toMatch(/ABI_MISMATCH: .*NODE_MODULE_VERSION 137 .*Node 22\.3\.4 with 127\n/);
      expect(refused.stderr).toContain(node);
    });

    it("a node that is none is named", () => {
      write(true);
      writeFileSync(join(bin, "node"), "#!/bin/sh\necho hello\n", { mode: 0o755 });
      expect(run(shell, bin, "x")).toMatchObject({ status: 71, stdout: "" });
    });

    it("what was proven is what runs, behind a shim as well", () => {
      write(true);
      const shim = putNode("137", "24.1.0");
      const real = join(bin, "real");
      writeFileSync(real, `#!/bin/sh\necho real "$@"\n`, { mode: 0o755 });
      for (const each of [real, bin]) utimesSync(each, 0, 0);
      writeFileSync(`${stampNow()}.node`, `${shim}\n${real}\n`);
      expect(run(shell, bin, "x").stdout).toBe(`real ${appLine("x")}`);
    });

    it.each([
      "no mark",
      "another node first",
      "a newer program",
      "a newer directory",
      "a program that is gone",
    ])("%s means the cold path", (what) => {
      write(true);
      const node = putNode("137", "24.1.0");
      const stamp = stampNow();
      writeFileSync(`${stamp}.node`, `${node}\n${node}\n`);
      const later = new Date(Date.now() + 3_600_000);
      let path = bin;
      if (what === "no mark") rmSync(`${stamp}.node`);
      if (what === "another node first") {
        path = `${join(root, "../other")}:${bin}`;
        mkdirSync(join(root, "../other"));
        copyFileSync(node, join(root, "../other/node"));
        chmodSync(join(root, "../other/node"), 0o755);
      }
      if (what === "a newer program") utimesSync(node, later, later);
      if (what === "a newer directory") utimesSync(bin, later, later);
      if (what === "a program that is gone") writeFileSync(`${stamp}.node`, `${node}\n${bin}/gone\n`);
      const { stdout, stderr } = run(shell, path, "x");
      expect(stdout).toBe(appLine("x"));
      expect(stderr).toContain("launcher.mjs start");
    });
  });
});
