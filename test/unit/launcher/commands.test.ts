/** The management commands as people type them: what they print, where, and with which exit status. */
import { existsSync, readFileSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { Manifest } from "../../../src/release/manifest.ts";
import { expectRefusal } from "../../support/launcher/fixture.ts";
import { useFixture } from "../../support/launcher/use-fixture.ts";
import { parseJson } from "../../support/json-schema.ts";

const fixture = useFixture();
let root = "";

const gantry = (args: readonly string[], environment: Readonly<Record<string, string>> = {}) =>
  fixture.launch(root, args, { GANTRY_REGISTRY: fixture.registry.url, ...environment });
const OFFLINE = { GANTRY_OFFLINE: "1" };
const NATIVE = "node_modules/bcrypt/prebuilds/linux-x64/bcrypt.glibc.node";
const zero = (path: string) => writeFileSync(path, Buffer.alloc(statSync(path).size));
const count = (text: string, word: string) => text.split(word).length - 1;

describe("the command line", () => {
  it.each([[[]], [["--help"]], [["help"]]])("%j lists the commands on standard output", async (args) => {
    root = fixture.make();
    const run = await gantry(args);
    expect(run).toMatchObject({ code: 0, stderr: "" });
    for (const name of ["prepare", "doctor", "verify", "health"])
      expect(run.stdout).toMatch(new RegExp(`^ +${name} `, "m"));
    expect(run.stdout).not.toMatch(/^ +start /m);
  });

  it("tells the version, also of a damaged release", async () => {
    root = fixture.make();
    expect(await gantry(["--version"])).toMatchObject({ code: 0, stdout: "0.1.0\n" });
    rmSync(join(root, "lib/release.json"));
    expect(await gantry(["--version"])).toMatchObject({ code: 0, stdout: "unknown\n" });
    expect(await gantry(["--help"])).toMatchObject({ code: 0 });
  });

  it.each([
    [["prepair"], /use \.\/gantry prepare/],
    [["doctor", "--jsn"], /use --json/],
    [["verify", "everything"], /one argument too many/],
    [["prepare", "--from", ""], /--from is given without a bundle/],
    [["start", "now"], /for the release's own script/],
    [["upgrade"], /Missing required positional argument: SOURCE/],
    [["rollback", "0.1.0", "0.2.0"], /"0.2.0" is one argument too many/],
    [["clean", "--keep", "0"], /whole number, 1 or more/],
    [["uninstall", "--prge"], /use --purge/],
  ])("%j is a usage error with a way out", async (args, message) => {
    root = fixture.make();
    const run = await gantry(args);
    expect(run).toMatchObject({ code: 64, stdout: "" });
    expect(run.stderr).toMatch(/^gantry: USAGE: /);
    expect(run.stderr).toMatch(message);
    expect(run.stderr).toMatch(/^ {2}fix {3}\S/m);
    expect(existsSync(join(root, "node_modules"))).toBe(false);
  });
});

describe("prepare", () => {
  it("installs, and does nothing the second time", async () => {
    root = fixture.make();
    const first = await gantry(["prepare"]);
    expect(first).toMatchObject({ code: 0, stdout: "" });
    expect(first.stderr).toContain("the modules are ready (");
    const asked = fixture.registry.requests.length;
    expect(await gantry(["prepare"])).toMatchObject({
      code: 0,
      stderr: "gantry: the modules are ready already\n",
    });
    expect(fixture.registry.requests.length).toBe(asked);
  });

  it("proves what is there, offline", async () => {
    root = fixture.make({ tree: "present" });
    const run = await gantry(["prepare", "--offline"]);
    expect(run).toMatchObject({ code: 0, stdout: "" });
    expect(run.stderr).toContain("that were there are right");
    expect(fixture.registry.requests).toEqual([]);
  });

  it("says nothing of what went well when told to be quiet", async () => {
    root = fixture.make();
    expect((await gantry(["prepare"], { GANTRY_LOG_LEVEL: "warn" })).stderr).toBe("");
  });
});

describe("doctor", () => {
  it("names programs that the app calls and the host lacks, and how to get them", async () => {
    const programs = ["sh", "no-such-program"];
    root = fixture.make({ tree: "present", manifest: (manifest) => ({ ...manifest, programs }) });
    const run = await gantry(["doctor"], OFFLINE);
    expect(run.code).toBe(69);
    expect(run.stderr).toMatch(/PROGRAM_MISSING: the app calls no-such-program, which is not installed here/);
    expect(run.stderr).toMatch(/fix +(?:apt-get install|install the package that contains) no-such-program/);
    expect(run.stderr).not.toMatch(/calls sh\b/);
  });

  it("says what a start would do with nothing there, and changes nothing", async () => {
    root = fixture.make();
    const run = await gantry(["doctor"]);
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(run.stdout).toMatch(/^release +tiny 1\.2\.3 for linux-x64-gnu/m);
    expect(run.stdout).toMatch(/^a start +would install 4 modules \(\d+\.\d kB\) from the registry$/m);
    expect(existsSync(join(root, "node_modules"))).toBe(false);
    expect(fixture.registry.requests).toEqual([]);
  });

  it("fails as a start would where that may not fetch", async () => {
    root = fixture.make();
    const run = await gantry(["doctor"], OFFLINE);
    expect(run.code).toBe(66);
    expect(run.stdout).toMatch(/would refuse/);
    expect(run.stderr).toMatch(/BUNDLE_MISSING/);
  });

  it("gives programs the same as JSON, with exit statuses and fixes spelled out", async () => {
    root = fixture.make({ tree: "present", optional: ["@node-rs/crc32"] });
    truncateSync(join(root, NATIVE), 9);
    rmSync(join(root, "node_modules/@node-rs"), { recursive: true });
    const run = await gantry(["doctor", "--json"], OFFLINE);
    expect(run.code).toBe(66);
    const diagnosis = parseJson("doctor", run.stdout);
    expect(diagnosis).toMatchObject({
      schema: 1,
      release: { name: "tiny", version: "1.2.3", target: "linux-x64-gnu", root },
      host: { os: "linux", arch: "x64" },
      plan: { state: "present", would: "refuse, with the findings below" },
      modules: [
        { name: "@node-rs/crc32", optional: true, state: "absent" },
        { name: "bcrypt", optional: false, state: "broken" },
      ],
      findings: [
        { code: "BUNDLE_MISSING", exit: 66, fix: expect.any(String) },
        { code: "DIGEST_MISMATCH", exit: 65, fix: expect.any(String) },
      ],
    });
    expect(existsSync(join(root, "node_modules/.gantry"))).toBe(false);
  });

  it("says what clean would do and why it failed, as JSON", async () => {
    root = fixture.make({ tree: "present" });
    const looked = await gantry(["clean", "--dry-run", "--json"]);
    expect(parseJson("clean", looked.stdout)).toMatchObject({ action: "clean", outcome: "planned" });
    const failed = await gantry(["clean", "--keep", "0", "--json"]);
    expect(failed.code).toBe(64);
    expect(parseJson("clean", failed.stdout)).toMatchObject({
      outcome: "failed",
      exit: 64,
      findings: [{ code: "USAGE", exit: 64, fix: expect.any(String) }],
    });
  });

  it("explains a message as JSON", async () => {
    root = fixture.make({ tree: "present" });
    const log = join(root, "app.log");
    writeFileSync(log, "Error: /x/a.node: wrong ELF class: ELFCLASS32\n");
    const { code, stdout } = await gantry(["doctor", "--explain", log, "--json"]);
    expect(code).toBe(0);
    expect(parseJson("doctor-explain", stdout)).toMatchObject([
      { quote: expect.stringMatching(/ELFCLASS32/) },
    ]);
  });

  it("has nothing to say against a release that is ready", async () => {
    root = fixture.make({ tree: "present" });
    await gantry(["prepare"]);
    const run = await gantry(["doctor"], OFFLINE);
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(run.stdout).toMatch(/^a start +would start the app at once$/m);
    expect(run.stdout).toMatch(/^findings +none$/m);
  });
});

describe("verify", () => {
  it("hashes the release and the tree, and loads each module", async () => {
    root = fixture.make({ tree: "present" });
    const run = await gantry(["verify"], OFFLINE);
    expect(run.code).toBe(0);
    expect(run.stdout).toMatch(
      /^5 files of the release and \d+ files of its modules are right, 2 modules load\n$/,
    );
  });

  it("finds what a start cannot see: same size, same time, other bytes", async () => {
    root = fixture.make({ tree: "present" });
    await gantry(["prepare"]);
    const { atimeMs, mtimeMs } = statSync(join(root, NATIVE));
    zero(join(root, NATIVE));
    utimesSync(join(root, NATIVE), atimeMs / 1000, mtimeMs / 1000 - 1);
    expect((await gantry(["start"], OFFLINE)).code).toBe(0);
    const run = await gantry(["verify"], OFFLINE);
    expect(run).toMatchObject({ code: 65, stdout: "" });
    expect(run.stderr).toContain(NATIVE);
  });

  it("names every file of the release that is not right", async () => {
    root = fixture.make({ tree: "present" });
    writeFileSync(join(root, "package.json"), `${readFileSync(join(root, "package.json"), "utf8")}\n`);
    rmSync(join(root, "bun.lock"));
    const run = await gantry(["verify"]);
    expect(run.code).toBe(66);
    expect(run.stderr).toMatch(/RELEASE_FILE_MISSING: bun\.lock is not there/);
    expect(run.stderr).toMatch(/DIGEST_MISMATCH: package\.json is not the file that was released/);
    rmSync(join(root, "SHA256SUMS"));
    expect((await gantry(["verify"])).stderr).toMatch(/SHA256SUMS is not there/);
  });

  it("says which files are nobody's, and what an optional module lacks, and is content", async () => {
    root = fixture.make({ tree: "present", optional: ["@node-rs/crc32"] });
    writeFileSync(join(root, "node_modules/bcrypt/notes.txt"), "mine");
    rmSync(join(root, "node_modules/@node-rs"), { recursive: true });
    const run = await gantry(["verify"]);
    expect(run.code).toBe(0);
    expect(run.stderr).toContain("not part of the release: node_modules/bcrypt/notes.txt");
    expect(run.stderr).toContain("@node-rs/crc32, which is optional");
  });

  it("--repair mends the tree, and brings an optional module back", async () => {
    root = fixture.make({ tree: "present", optional: ["@node-rs/crc32"] });
    rmSync(join(root, "node_modules/@node-rs"), { recursive: true });
    await gantry(["prepare", "--offline"]);
    zero(join(root, NATIVE));
    const run = await gantry(["verify", "--repair"]);
    expect(run.code).toBe(0);
    expect(run.stderr).toMatch(/mended \d+ files: (?:.*, )?node_modules\/bcrypt\/prebuilds/);
    expect(run.stderr).toContain("node_modules/@node-rs/crc32/index.js");
    expect(count(run.stderr, "installing 4 modules")).toBe(1);
    expect(run.stdout).toContain("2 modules load");
    expect(await gantry(["start"], OFFLINE)).toMatchObject({ code: 0, stderr: "" });
  });

  it("--repair does nothing to a tree that is right", async () => {
    root = fixture.make({ tree: "present" });
    const run = await gantry(["verify", "--repair"]);
    expect(run.code).toBe(0);
    expect(fixture.registry.requests).toEqual([]);
  });

  it("--repair leaves a damaged tree untrusted when it cannot be mended", async () => {
    root = fixture.make({ tree: "present" });
    await gantry(["prepare"]);
    zero(join(root, NATIVE));
    const run = await gantry(["verify", "--repair"], OFFLINE);
    expect(run.code).toBe(66);
    expect((await gantry(["start"], OFFLINE)).stderr).toContain("DIGEST_MISMATCH");
  });
});

const SERVICE = {
  user: "tiny",
  description: "tiny",
  type: "exec",
  arguments: [],
  directories: [],
  memory: "75%",
  tasks: 512,
  healthWindow: 30,
  healthSettle: 3,
  snapshot: false,
  exposure: "public",
};
const service = (port: number, health: string) => ({
  manifest: (manifest: Manifest) => ({ ...manifest, service: { ...SERVICE, port, health } }),
});

describe("health", () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });
  /** An app that is well at /health alone; resolves with its port. */
  const serve = async () => {
    const server = createServer((request, answer) =>
      answer.writeHead(request.url === "/health" ? 200 : 503).end("no notes"),
    );
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return (server.address() as AddressInfo).port;
  };
  it("asks where the release says that the app listens, and makes nothing", async () => {
    const port = await serve();
    root = fixture.make(service(port, "/health"));
    const run = await gantry(["health"]);
    expect(run).toEqual({
      code: 0,
      signal: null,
      stdout: `http://127.0.0.1:${port}/health answered 200\n`,
      stderr: "",
    });
    expect(existsSync(join(root, "node_modules"))).toBe(false);
  });

  it("is 69 with what was answered, and the same as JSON", async () => {
    const port = await serve();
    root = fixture.make(service(port, "/"));
    const run = await gantry(["health"]);
    expectRefusal(run, "SERVICE_UNHEALTHY", /answered 503: no notes/);
    expect(run.stderr).toMatch(/journalctl -e -u tiny$/m);
    const { stdout } = await gantry(["health", "--json"]);
    expect(parseJson("health", stdout)).toMatchObject({ schema: 1, healthy: false, status: 503 });
  });

  it("asks where it is told to: by the command line, by $PORT, by the release", async () => {
    const port = await serve();
    root = fixture.make(service(1, "/health"));
    expect((await gantry(["health"])).code).toBe(69);
    expect((await gantry(["health"], { PORT: `${port}` })).code).toBe(0);
    expect((await gantry(["health", "--port", `${port}`], { PORT: "1" })).code).toBe(0);
    expect((await gantry(["health", "--port", `${port}`, "--path=/other"])).code).toBe(69);
    expect((await gantry(["health", "--url", `http://127.0.0.1:${port}/health`])).code).toBe(0);
  });

  it.each([
    [[], /does not say on which port/],
    [["--port", "http"], /--port is "http"/],
    [["--port", "70000"], /from 1 to 65535/],
    [["--port", "1", "--path", "health"], /begin with "\/"/],
    [["--url", "ftp://127.0.0.1/"], /no http or https address/],
    [["--url", "http://127.0.0.1/", "--port", "1"], /do not go with it/],
    [["--timeout", "0"], /--timeout is "0"/],
  ])("%j is a usage error", async (args, message) => {
    root = fixture.make();
    expectRefusal(await gantry(["health", ...args]), "USAGE", message);
  });
});
