import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { initApp } from "../../../../src/build/init/init.ts";
import { addSettings } from "../../../../src/build/init/package-text.ts";
import { findingsOf, makeApp } from "../../../support/build/scratch.ts";

const yes = (): Promise<boolean> => Promise.resolve(true);
const no = (): Promise<boolean> => Promise.resolve(false);
const read = (dir: string): string => readFileSync(join(dir, "package.json"), "utf8");

/** As a person may write it: four spaces, a list on one line, no final line feed. */
const WRITTEN = `{
    "name": "shop", "version": "1.0.0",
    "scripts": { "start": "node server.js" },
    "files": ["a",   "b"],
    "engines": { "node": ">=20.19" }
}`;
const FILES = { "package.json": WRITTEN, "server.js": "listen(process.env.PORT || 4000)" };

describe("initApp", () => {
  it("adds its settings, and leaves every other byte", async () => {
    const dir = makeApp(FILES);
    const result = await initApp({ appDir: dir, confirm: yes });
    expect(result.written).toBe(true);
    const text = read(dir);
    expect(text.startsWith(WRITTEN.slice(0, -2))).toBe(true);
    expect(text.slice(WRITTEN.length - 2)).toBe(`,
    "gantry": {
        "binary": "shop",
        "runtime": "node",
        "entry": "server.js",
        "node": "${process.versions.node}",
        "service": {
            "port": 4000
        }
    }
}`);
  });

  it("changes nothing the second time", async () => {
    const dir = makeApp(FILES);
    await initApp({ appDir: dir, confirm: yes });
    const text = read(dir);
    expect(await initApp({ appDir: dir, confirm: yes })).toMatchObject({ settings: [], written: false });
    expect(read(dir)).toBe(text);
  });

  it("changes nothing without a yes", async () => {
    const dir = makeApp(FILES);
    expect(await initApp({ appDir: dir, confirm: no })).toMatchObject({ written: false });
    expect(read(dir)).toBe(WRITTEN);
  });

  it("keeps what a person set, and the file that they wrote", async () => {
    const gantry = { entry: "gantry-start.mjs", service: { port: 9, memory: "200M" } };
    const json = {
      name: "shop",
      scripts: { start: "strapi start" },
      dependencies: { "@strapi/strapi": "5" },
      gantry,
    };
    const dir = makeApp({
      "package.json": json,
      "gantry-start.mjs": "// mine\n",
      ".env.example": "PORT=1338\n",
    });
    await initApp({ appDir: dir, confirm: yes });
    const made = JSON.parse(read(dir)) as { gantry: object };
    expect(made.gantry).toMatchObject(gantry);
    expect(made.gantry).toMatchObject({ runtime: "node", app: "." });
    expect(readFileSync(join(dir, "gantry-start.mjs"), "utf8")).toBe("// mine\n");
  });

  it("says what it could not find out", async () => {
    const dir = makeApp({
      "package.json": { name: "shop", scripts: { start: "node a.js" } },
      "a.js": "",
      "migrations/1.sql": "",
      ".env.example": "SECRET=\n",
    });
    const { unknown } = await initApp({ appDir: dir, confirm: no });
    expect(unknown).toEqual([
      expect.stringMatching(/^the port .*"gantry\.service\.port"/),
      expect.stringMatching(/^who runs migrations: .*"gantry\.activate"/),
      expect.stringMatching(/^the values of \.env\.example/),
    ]);
  });

  it("refuses settings that are wrong, before it reads on", async () => {
    const dir = makeApp({ "package.json": { name: "shop", gantry: { entri: "a.js" } } });
    const [finding] = await findingsOf(() => initApp({ appDir: dir, confirm: yes }));
    expect(finding).toMatchObject({ code: "CONFIG_INVALID", what: expect.stringMatching(/gantry\.entri/) });
  });
});

describe("addSettings", () => {
  const port = [{ key: "service.port", value: 80 }];

  it.each([
    ["an empty object", "{}", '{"gantry":{"service":{"port":80}}}'],
    ["one line", '{"a":1}', '{"a":1,"gantry":{"service":{"port":80}}}'],
    [
      "tabs and CRLF",
      '{\r\n\t"a": "}"\r\n}\r\n',
      '{\r\n\t"a": "}",\r\n\t"gantry": {\r\n\t\t"service": {\r\n\t\t\t"port": 80\r\n\t\t}\r\n\t}\r\n}\r\n',
    ],
    [
      "a service that is there",
      '{\n  "gantry": {\n    "service": { "user": "x\\"{" }\n  },\n  "z": [1]\n}\n',
      '{\n  "gantry": {\n    "service": { "user": "x\\"{","port":80 }\n  },\n  "z": [1]\n}\n',
    ],
    ["the key itself", '{"gantry":{"service":{"port":1}}}', '{"gantry":{"service":{"port":1}}}'],
    [
      "an empty gantry",
      '{\n  "gantry": {}\n}\n',
      '{\n  "gantry": {\n    "service": {\n      "port": 80\n    }\n  }\n}\n',
    ],
  ])("keeps the form of %s", (_, before, after) => {
    expect(addSettings(before, port)).toBe(after);
  });
});
