/** A release in a directory of somebody hostile, and what must never come out of it. */
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect } from "vitest";
import { GantryError } from "../../../src/base/errors.ts";
import { copyRelease, type Imported } from "../../../src/service/releases/import/copy-release.ts";

export const SECRET = "root:$6$secret:19000:0:99999:7:::\n";
/** Made by minisign 0.11 for another file: all that matters is that it reads as one. */
export const SIGNATURE = `untrusted comment: signature from minisign secret key
RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=
trusted comment: timestamp:1633700835	file:test	prehashed
wLMDjy9FLAuxZ3q4NlEvkgtyhrr0gtTu6KC4KBJdITbbOeAi1zBIYo0v4iTgt8jJpIidRJnp94ABQkJAgAooBQ==
`;
export const BUNDLE = "vendor/linux-x64-gnu.tar.zst";
export const CODE = "module.exports = 1;\n";

export const digest = (data: string | Buffer) => createHash("sha256").update(data).digest("hex");
export const sumsOf = (files: Readonly<Record<string, string>>) =>
  Object.entries(files)
    .map(([path, text]) => `${digest(text)}  ${path}\n`)
    .join("");

interface Taken extends Imported {
  readonly to: string;
}

export interface HostileRelease {
  readonly root: string;
  /** The release's directory. */
  readonly from: string;
  /** A file that must not be read by others. */
  readonly secret: string;
  readonly at: (path: string) => string;
  readonly put: (path: string, text: string) => void;
  readonly take: (ownership?: "foreign" | "private", owners?: ReadonlySet<number>) => Promise<Taken>;
  readonly expectNoSecret: () => void;
  readonly expectRefused: (code: string, what: RegExp) => Promise<void>;
  /** Forgets what was taken so far. */
  readonly clear: () => void;
  readonly dispose: () => void;
}

export function makeHostile(): HostileRelease {
  const root = mkdtempSync(join(tmpdir(), "gantry-import-"));
  const [from, secret, taken] = ["release", "secret", "taken"].map((name) => join(root, name)) as [
    string,
    string,
    string,
  ];
  let imports = 0;
  const at = (path: string) => join(from, path);
  const put = (path: string, text: string) => {
    mkdirSync(dirname(at(path)), { recursive: true });
    writeFileSync(at(path), text, { mode: 0o640 });
  };
  const take: HostileRelease["take"] = async (ownership = "foreign", owners) => {
    imports += 1;
    mkdirSync(taken, { recursive: true });
    const to = join(taken, `${imports}`);
    const signal = AbortSignal.timeout(20_000);
    const imported = await copyRelease({ from, to, ownership, admit: () => undefined, owners, signal });
    return { ...imported, to };
  };
  const expectNoSecret = () => {
    const entries = existsSync(taken) ? readdirSync(taken, { recursive: true, withFileTypes: true }) : [];
    const others = entries.filter((entry) => !entry.isFile() && !entry.isDirectory());
    expect(others.map(({ name }) => name)).toEqual([]);
    const texts = entries
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"));
    expect(texts.filter((text) => text.includes("root:"))).toEqual([]);
  };
  writeFileSync(secret, SECRET, { mode: 0o600 });
  mkdirSync(from, { mode: 0o755 });
  const files: Record<string, string> = {
    "lib/release.json": JSON.stringify({
      modules: { ws: { files: { "index.js": [CODE.length, digest(CODE)] } } },
    }),
    app: "#!/bin/sh\n",
    "lib/app": "\u007fELF and more",
    "docs/a.txt": "words",
    [BUNDLE]: "bundle",
    empty: "",
  };
  for (const [path, text] of Object.entries(files)) put(path, text);
  put("SHA256SUMS", sumsOf(files));
  put("node_modules/ws/index.js", CODE);
  return {
    root,
    from,
    secret,
    at,
    put,
    take,
    expectNoSecret,
    expectRefused: async (code, what) => {
      const error: unknown = await take().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(GantryError);
      expect((error as GantryError).findings[0]).toMatchObject({ code, what: expect.stringMatching(what) });
      expectNoSecret();
    },
    clear: () => rmSync(taken, { recursive: true, force: true }),
    dispose: () => rmSync(root, { recursive: true, force: true }),
  };
}
