/** What a build tells a program: one document on stdout, whatever came of it. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { BUN, runCli } from "../support/app/cli.ts";
import { parseJson } from "../support/json-schema.ts";

let work = "";
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), "gantry-build-json-"));
  mkdirSync(join(work, "app"));
  writeFileSync(join(work, "app/data.json"), "{}");
  writeFileSync(
    join(work, "app/app.ts"),
    'import { readFileSync } from "node:fs";\nif (process.argv[2]) readFileSync("./data.json");\nconsole.log("plain");\n',
  );
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

const build = (gantry: object, ...flags: string[]) => {
  const json = { name: "plain", version: "1.2.3", gantry };
  writeFileSync(join(work, "app/package.json"), JSON.stringify(json));
  return runCli(work, ["build", "app", "--bun", BUN, "--json", ...flags]);
};

it("tells of a release, its start and its archive", () => {
  const { status, stdout, stderr } = build({ entry: "app.ts" });
  const json = parseJson<{ releases: { archive: string; archiveBytes: number; files: object }[] }>(
    "build",
    stdout,
  );
  expect({ status, json }).toMatchObject({
    status: 0,
    json: {
      outcome: "done",
      releases: [
        {
          name: "plain",
          version: "1.2.3",
          runtime: { kind: "bun" },
          outside: [],
          loadedHere: true,
          started: { state: "started", starts: [{ way: "no modules", outcome: "exited", exit: 0 }] },
        },
      ],
      warnings: [expect.stringContaining("data.json")],
    },
  });
  const [{ archive = "", archiveBytes = 0, files = {} } = {}] = json.releases;
  expect(statSync(archive).size).toBe(archiveBytes);
  expect(Object.keys(files)).toContain("lib/release.json");
  expect(stderr).toContain("gantry: building plain 1.2.3");
});

it("tells why a build failed, as stderr does", () => {
  const { status, stdout, stderr } = build({ entry: "other.ts" }, "--out", "none");
  const json = parseJson("build", stdout);
  expect(json).toMatchObject({ outcome: "failed", exit: status, findings: [{ code: "CONFIG_INVALID" }] });
  expect(stderr).toContain("CONFIG_INVALID");
  expect(existsSync(join(work, "none"))).toBe(false);
});
