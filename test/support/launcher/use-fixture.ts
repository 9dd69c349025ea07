/** The hooks around the launcher's tests. */
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, inject } from "vitest";
import { makeFixture, type Fixture } from "./fixture.ts";

/** The fixture of one test file: there before its tests, gone after them. The releases of a test go with the test. */
export function useFixture(): Fixture {
  const fixture = {} as Fixture;
  beforeAll(async () => void Object.assign(fixture, await makeFixture(inject("shared"))));
  afterAll(() => fixture.dispose());
  afterEach(() => {
    fixture.registry.misbehave = undefined;
    fixture.registry.requests.length = 0;
    const releases = readdirSync(fixture.directory).filter((name) => name.startsWith("release-"));
    for (const name of releases) rmSync(join(fixture.directory, name), { recursive: true, force: true });
  });
  return fixture;
}
