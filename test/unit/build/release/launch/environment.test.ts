/**
 * What reaches the launcher: the rendered script is run by each shell at hand, and in the place of the compiled app lies a
 * program that prints its environment or its directory.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeStand } from "../../../../support/build/launch-stand.ts";
import { LAUNCH_SHELLS } from "../../../../support/build/shells.ts";
import { steeringVariables } from "../../../../support/build/launch-variables.ts";

const BASE = { PATH: "/usr/bin:/bin", HOME: "/home/of whom" };

let root = "";
let script = "";
let scripts: Readonly<Record<string, string>> = {};

beforeAll(() => {
  ({ root, scripts } = makeStand("/usr/bin/env"));
  script = scripts["gantry"] ?? "";
  spawnSync("chmod", ["-R", "a+rX", dirname(root)]);
});
afterAll(() => rmSync(dirname(root), { recursive: true }));

interface Setting {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly before?: readonly string[];
  readonly name?: string;
}

/** What the launcher's environment is, by name. */
function launch([command = "", ...args]: readonly string[], { env, cwd, before, name }: Setting) {
  const [first = "", ...rest] = [...(before ?? []), command, ...args, join(root, name ?? "gantry")];
  const result = spawnSync(first, rest, { cwd: cwd ?? "/", env: { ...BASE, ...env }, encoding: "utf8" });
  // A shell may have words of its own for a directory that is gone, or for a value of its own variables.
  expect(result).toMatchObject({ status: 0, stderr: expect.not.stringContaining("gantry: ") as string });
  const pairs = result.stdout.split(/\n(?=[A-Za-z_]\w*=)/).map((line) => line.split(/=(.*)/s).slice(0, 2));
  return Object.fromEntries(pairs.map(([key = "", value = ""]) => [key, value.replace(/\n$/, "")]));
}

/** Where the launcher runs. */
function directoryOf([command = "", ...args]: readonly string[], { cwd, before }: Setting): string {
  const [first = "", ...rest] = [...(before ?? []), command, ...args, join(root, "gantry"), "pwd", "-P"];
  return spawnSync(first, rest, { cwd: cwd ?? "/", env: BASE, encoding: "utf8" }).stdout;
}

/** The last two are bash's, for the program that it starts. */
const OWN =
  "BUN_JSC_useDFGJIT BUN_RUNTIME_TRANSPILER_CACHE_PATH GANTRY_DIRECTORY GANTRY_LAUNCHER PWD SHLVL _".split(
    " ",
  );

describe.each(LAUNCH_SHELLS.map((shell) => [shell.join(" "), shell] as const))("under %s", (_, shell) => {
  it("no variable of a runtime, a loader or a shell reaches the launcher", () => {
    const names = steeringVariables();
    expect(names.length).toBeGreaterThan(200);
    // Set where the shell itself has begun: some of them would end it before the script.
    const set = names.map((name) => `export ${name}=/steered`).join("\n");
    writeFileSync(join(root, "steered"), script.replace(/^run_launcher "\$@"$/m, `${set}\n$&`));
    const seen = launch(shell, { name: "steered" });
    const beside = Object.keys(seen).filter((name) => !OWN.includes(name));
    expect(beside.toSorted()).toEqual(["HOME", "PATH"]);
    expect(seen["BUN_RUNTIME_TRANSPILER_CACHE_PATH"]).toBe("0");
    expect(seen["BUN_JSC_useDFGJIT"]).toBe("0");
  });

  it("the documented ones do, whatever is in them", () => {
    const env = {
      HOME: "/a 'b' \"c\" $d `e` \\ ? *",
      GANTRY_BUNDLE: "one\nexport GANTRY_TOKEN='none'\nexport gantry_root=/nowhere\nexport PATH=/nowhere\n",
      GANTRY_OFLINE: "1",
      https_proxy: "http://user:a%20b@[::1]:3128/",
      NO_PROXY: "*",
      NODE_EXTRA_CA_CERTS: "/etc/ca.pem",
      JOURNAL_STREAM: "1:2",
      SUDO_UID: "1000",
      NO_COLOR: "1",
      LC_MESSAGES: "C",
      npm_config_registry: "https://registry.example/",
    };
    expect(launch(shell, { env })).toMatchObject({ ...env, GANTRY_BUNDLE: env.GANTRY_BUNDLE.trimEnd() });
  });

  it("hundreds of others do not, nor what only looks like one", () => {
    const many = Object.fromEntries(
      Array.from({ length: 700 }, (_value, index) => [`OTHER_${index}`, "a\nb=c"]),
    );
    const env = { ...many, LD_DEBUG_X: "\nHOME=/elsewhere", Path: "/elsewhere", GANTR: "1", _X: "" };
    const seen = launch(shell, { env });
    expect(
      Object.keys(seen)
        .filter((name) => !OWN.includes(name))
        .toSorted(),
    ).toEqual(["HOME", "PATH"]);
    expect(seen["HOME"]).toBe(BASE.HOME);
  });

  it("what only gantry itself may say is not taken from the caller", () => {
    const env = {
      GANTRY_PROBE: "{}",
      GANTRY_MODULES: "/x",
      GANTRY_LIBRARY_PATH: "/x",
      GANTRY_DIRECTORY: "/x",
    };
    const seen = launch(shell, { env });
    expect(seen).toMatchObject({ GANTRY_DIRECTORY: "/", GANTRY_LAUNCHER: "1" });
    expect(Object.keys(seen)).not.toEqual(expect.arrayContaining(["GANTRY_PROBE"]));
    expect(Object.keys(seen)).not.toEqual(expect.arrayContaining(["GANTRY_MODULES"]));
    expect(Object.keys(seen)).not.toEqual(expect.arrayContaining(["GANTRY_LIBRARY_PATH"]));
  });

  it("runs in the release's directory, and knows the caller's", () => {
    const caller = join(root, "caller's place");
    mkdirSync(caller, { recursive: true });
    const env = { NETRC: "mine", SSL_CERT_FILE: "/abs" };
    expect(launch(shell, { cwd: caller, env })).toMatchObject({
      GANTRY_DIRECTORY: caller,
      NETRC: `${caller}/mine`,
      SSL_CERT_FILE: "/abs",
    });
    expect(directoryOf(shell, { cwd: caller })).toBe(`${root}\n`);
  });

  it("a caller's directory that is gone does not matter", () => {
    const before = ["sh", "-c", 'mkdir "$0" && cd "$0" && rmdir "$0" && exec "$@"', join(root, "gone")];
    expect(directoryOf(shell, { before })).toBe(`${root}\n`);
  });

  it.skipIf(process.getuid?.() !== 0)("a caller's directory that may not be entered does not matter", () => {
    const closed = join(root, "closed");
    mkdirSync(closed, { recursive: true, mode: 0o700 });
    const before = ["setpriv", "--reuid=1234", "--regid=1234", "--clear-groups"];
    expect(directoryOf(shell, { cwd: closed, before })).toBe(`${root}\n`);
  });

  it.skipIf(process.getuid?.() !== 0)("LD_LIBRARY_PATH goes on to the load probe, but not root's", () => {
    const env = { LD_LIBRARY_PATH: "/opt/some/lib" };
    expect(Object.keys(launch(shell, { env }))).not.toContain("GANTRY_LIBRARY_PATH");
    const before = ["setpriv", "--reuid=1234", "--regid=1234", "--clear-groups"];
    const seen = launch(shell, { env, before });
    expect(seen).toMatchObject({ GANTRY_LIBRARY_PATH: "/opt/some/lib" });
    expect(Object.keys(seen)).not.toContain("LD_LIBRARY_PATH");
  });
});
