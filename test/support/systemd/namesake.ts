/** One small app under many names: built once, and renamed by hand as a build would have named it. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { SystemdHost } from "./systemd-host.ts";

const repository = fileURLToPath(new URL("../../..", import.meta.url));
const ORIGINAL = "namesakeapp";

/** Builds the app that answers on the port in PORT; returns the release's directory. */
export function buildNamesake(scratch: string): string {
  const app = join(scratch, "app");
  mkdirSync(app);
  const service = { port: 4701, healthWindow: 10 };
  const gantry = { binary: ORIGINAL, entry: "main.js", service };
  writeFileSync(
    join(app, "package.json"),
    JSON.stringify({ name: ORIGINAL, version: "0.1.0", type: "module", gantry }),
  );
  writeFileSync(
    join(app, "main.js"),
    `import { writeFileSync } from "node:fs";
writeFileSync(process.env.STATE_DIRECTORY + "/mine", "data");
Bun.serve({ port: Number(process.env.PORT), fetch: () => new Response("ok") });`,
  );
  const out = join(scratch, "built");
  const env = {
    ...process.env,
    PATH: `${join(repository, "node_modules/.bin")}:${process.env["PATH"] ?? ""}`,
  };
  const args = [join(repository, "dist/cli.js"), "build", app, "--no-archive", "--no-smoke", "--out", out];
  execFileSync(process.execPath, args, { cwd: repository, env, stdio: "pipe" });
  return join(out, readdirSync(out)[0] ?? "");
}

const digest = (data: string | Buffer) => createHash("sha256").update(data).digest("hex");

/** The compiled program of every namesake, which is put into a host once. */
const PROGRAM = "/root/namesake-program";

export function putProgram(host: SystemdHost, base: string): void {
  host.put(join(base, "lib", ORIGINAL), PROGRAM);
}

/**
 * Puts the same release as that of an app of another name into a host, below /root.
 * @param user what its settings name; the app's own name when left out
 * @returns its directory there
 */
export async function putNamesake(
  host: SystemdHost,
  base: string,
  name: string,
  user?: string,
): Promise<string> {
  const place = `/root/${name}`;
  const release = join(host.root, place);
  const program = `lib/${ORIGINAL}`;
  cpSync(base, release, { recursive: true, filter: (from) => from !== join(base, program) });
  const oldId = digest(readFileSync(join(release, "lib/release.json"))).slice(0, 16);
  const files = listFiles(release).filter((path) => !path.startsWith("lib/") || path.endsWith(".json"));
  for (const path of files) {
    const text = readFileSync(join(release, path), "utf8").replaceAll(ORIGINAL, name);
    writeFileSync(join(release, path), user === undefined ? text : withUser(text, path, name, user));
    renameSync(join(release, path), join(release, path, "..", basename(path).replace(ORIGINAL, name)));
  }
  const newId = digest(readFileSync(join(release, "lib/release.json"))).slice(0, 16);
  for (const script of [name, "gantry"]) {
    const text = readFileSync(join(release, script), "utf8");
    writeFileSync(join(release, script), text.replaceAll(oldId, newId));
  }
  const known = new RegExp(`^([0-9a-f]{64}) {2}${program}$`, "m");
  const [, ofProgram = ""] = known.exec(readFileSync(join(base, "SHA256SUMS"), "utf8")) ?? [];
  const lines = listFiles(release)
    .filter((path) => path !== "SHA256SUMS")
    .map((path) => `${digest(readFileSync(join(release, path)))}  ${path}\n`);
  writeFileSync(join(release, "SHA256SUMS"), [`${ofProgram}  lib/${name}\n`, ...lines].join(""));
  await host.shell(`ln ${PROGRAM} ${place}/lib/${name}`);
  return place;
}

/** As `"gantry.service.user"` would have set it. */
function withUser(text: string, path: string, name: string, user: string): string {
  if (path === "lib/release.json") {
    const manifest = JSON.parse(text) as { service: Record<string, unknown> };
    Object.assign(manifest.service, { user, userNamed: true });
    return `${JSON.stringify(manifest, null, 1)}\n`;
  }
  if (path.endsWith(".service")) return text.replaceAll(/^(User|Group)=.*$/gm, `$1=${user}`);
  return path.endsWith(".sysusers") ? text.replace(`u ${name} `, `u ${user} `) : text;
}

function listFiles(root: string): string[] {
  const paths = readdirSync(root, { recursive: true, encoding: "utf8" });
  return paths.filter((path) => statSync(join(root, path)).isFile());
}
