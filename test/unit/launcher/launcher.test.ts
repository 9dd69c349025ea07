/** The launcher as a process: what it prints, how it ends, and what it leaves on the disk. */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bareEnvironment, makeFixture, runProgram, type Fixture } from "./fixture.ts";

let fixture: Fixture;
beforeAll(async () => {
  fixture = await makeFixture();
});
afterAll(() => fixture.dispose());

const online = () => ({ GANTRY_REGISTRY: fixture.registry.url });

describe("start", () => {
  it("installs once, then has nothing to do and says nothing", async () => {
    const root = fixture.make();
    const first = await fixture.launch(root, ["start"], online());
    expect(first).toMatchObject({ code: 0, stdout: "" });
    expect(first.stderr).toMatch(/^gantry: installing 4 modules from the registry$/m);
    expect(first.stderr).toMatch(/^gantry: the modules are ready \(\d+\.\d s\)$/m);
    const asked = fixture.registry.requests.length;
    expect(asked).toBeGreaterThan(0);
    expect(await fixture.launch(root, ["start"], online())).toEqual({
      code: 0,
      signal: null,
      stdout: "",
      stderr: "",
    });
    expect(fixture.registry.requests.length).toBe(asked);
    const app = await runProgram(join(root, "lib/tiny"), [], { cwd: root, environment: bareEnvironment() });
    expect(app).toMatchObject({ code: 0, stdout: expect.stringMatching(/^checksum \d+\n$/) });
    expect(readdirSync(root).toSorted()).toEqual([
      "SHA256SUMS",
      "bun.lock",
      "lib",
      "node_modules",
      "package.json",
    ]);
    rmSync(root, { recursive: true });
  });

  it("runs under Node as well", async () => {
    const root = fixture.make();
    const args = [join(root, "lib/launcher.mjs"), "start"];
    const environment = { ...bareEnvironment(), ...online() };
    const run = await runProgram(process.execPath, args, { cwd: fixture.directory, environment });
    expect(run).toMatchObject({ code: 0, stdout: "" });
    expect(existsSync(join(root, "node_modules/.gantry"))).toBe(true);
    rmSync(root, { recursive: true });
  });
});
