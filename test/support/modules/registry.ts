/**
 * A package registry on loopback that serves real packages from a directory of tarballs, counts what it is asked
 * for, and can be told to misbehave. Tarballs are fetched once with `npm pack` and kept in node_modules/.cache under a
 * name that stands for their versions.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { SERVED } from "../../../scripts/pins.mjs";

const CACHE = fileURLToPath(new URL("../../../node_modules/.cache/gantry-tarballs", import.meta.url));

/** What the registry does with one request; `undefined` answers it as a registry should. */
type Misbehaviour = (
  path: string,
  answer: ServerResponse,
) => "taken" | { readonly tarball: Buffer } | undefined;

export interface Registry {
  readonly url: string;
  /** Paths asked for so far. */
  readonly requests: string[];
  misbehave: Misbehaviour | undefined;
  readonly close: () => Promise<void>;
}

interface Packed {
  readonly fields: Readonly<Record<string, unknown>> & { readonly name: string; readonly version: string };
  readonly tarball: Buffer;
  readonly integrity: string;
}

/** Fetches the tarballs through the ordinary client unless they are there; safe when several test files do it. */
function ensureTarballs(): string {
  const key = createHash("sha256").update(SERVED.join(" ")).digest("hex").slice(0, 12);
  const directory = join(CACHE, key);
  if (existsSync(directory)) return directory;
  mkdirSync(CACHE, { recursive: true });
  const work = mkdtempSync(join(CACHE, "work-"));
  execFileSync("npm", ["pack", "--silent", "--pack-destination", work, ...SERVED], { stdio: "pipe" });
  try {
    renameSync(work, directory);
  } catch {
    rmSync(work, { recursive: true, force: true });
  }
  return directory;
}

function readPacked(path: string): Packed {
  const tarball = readFileSync(path);
  const fields = JSON.parse(readTarMember(gunzipSync(tarball), "package/package.json"));
  return { fields, tarball, integrity: `sha512-${createHash("sha512").update(tarball).digest("base64")}` };
}

/** One member of a tar archive (POSIX ustar: 512-byte headers, name at 0, size in octal at 124). */
function readTarMember(tar: Buffer, name: string): string {
  for (let offset = 0; offset + 512 <= tar.length;) {
    const member = tar.toString("utf8", offset, offset + 100).replace(/\0.*$/s, "");
    const size = Number.parseInt(tar.toString("latin1", offset + 124, offset + 136), 8) || 0;
    if (member === name) return tar.toString("utf8", offset + 512, offset + 512 + size);
    offset += 512 + Math.ceil(size / 512) * 512;
  }
  throw new Error(`no ${name} in the tarball`);
}

const fileName = (name: string, version: string) => `${name.split("/").at(-1)}-${version}.tgz`;

/** Starts a registry; `without` names packages that it does not know. */
export async function startRegistry(without: readonly string[] = []): Promise<Registry> {
  const directory = ensureTarballs();
  const packed = readdirSync(directory)
    .filter((name) => name.endsWith(".tgz"))
    .map((name) => readPacked(join(directory, name)))
    .filter(({ fields }) => !without.includes(fields.name));
  const requests: string[] = [];
  const registry = { requests, misbehave: undefined as Misbehaviour | undefined };
  const server = createServer((request, answer) => {
    const path = decodeURIComponent(request.url ?? "/").slice(1);
    requests.push(path);
    const instead = registry.misbehave?.(path, answer);
    if (instead === "taken") return;
    const file = packed.find(
      ({ fields }) => path === `${fields.name}/-/${fileName(fields.name, fields.version)}`,
    );
    if (file !== undefined) return void answer.end(instead?.tarball ?? file.tarball);
    const found = packed.find(({ fields }) => path === fields.name);
    if (found === undefined) return void answer.writeHead(404).end('{"error":"not found"}');
    answer.setHeader("content-type", "application/json");
    return void answer.end(JSON.stringify(packument(found, `http://${request.headers.host}`)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return Object.assign(registry, {
    url: `http://127.0.0.1:${port}/`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  });
}

function packument({ fields, integrity }: Packed, base: string) {
  const { name, version } = fields;
  const dist = { integrity, tarball: `${base}/${name}/-/${fileName(name, version)}` };
  return { name, "dist-tags": { latest: version }, versions: { [version]: { ...fields, dist } } };
}

/** A copy of a tarball's bytes with one bit of its contents turned. */
export function tampered(name: string): Buffer {
  const bytes = readFileSync(join(ensureTarballs(), name));
  const at = Math.floor(bytes.length / 2);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return bytes;
}
