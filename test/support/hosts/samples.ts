/**
 * The two samples as apps for every platform, and the questions that need all of their native modules: libsql and its
 * vector index and bcrypt under Bun, better-sqlite3 and bcrypt under Node.
 */
import { execFileSync } from "node:child_process";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { edit } from "../images/image-bench.ts";
import { MUSL_NODE_MAJOR } from "../roots/node-roots.ts";
import { NODE, NODE_SETTING } from "../../../scripts/pins.mjs";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const BUN = join(root, "node_modules/bun/bin/bun.exe");

/** For tests in emulated roots, milliseconds: emulation is slow, and slower beside other work. */
export const PATIENT = { timeout: 600_000 };

interface Sample {
  readonly binary: string;
  /** What the release's directory is called before its target. */
  readonly release: string;
  /** The port of its service. */
  readonly port: number;
  readonly env: Readonly<Record<string, string>>;
  readonly copy: (app: string) => void;
  /** JavaScript for the release's own runtime: prints runtime and machine, then a line for each answer from PORT. */
  readonly questions: string;
  readonly answers: readonly string[];
}

/** libsql 0.5.11, the sample's, has no packages for arm64 in npm's registry; 0.5.13 has. All other pins stay. */
function copyBunSample(app: string): void {
  cpSync(join(root, "test/fixtures/test-brain"), app, { recursive: true });
  edit(join(app, "package.json"), '"libsql": "0.5.11"', '"libsql": "0.5.13"');
  execFileSync(BUN, ["install", "--lockfile-only"], { cwd: app, stdio: "pipe" });
}

/** Its own Node where there is one for npm to give, the host's on musl. */
function copyNodeSample(app: string): void {
  cpSync(join(root, "test/fixtures/test-node-brain"), app, { recursive: true });
  const node = `{ "default": "${NODE[24]}", "musl": "system@${NODE[MUSL_NODE_MAJOR]}" }`;
  edit(join(app, "package.json"), NODE_SETTING, `"node": ${node}`);
}

const ASK = `
const ask = async (method, path, authorization, body) => {
  const headers = { "content-type": "application/json", ...(authorization && { authorization }) };
  const response = await fetch("http://127.0.0.1:PORT" + path, { method, headers, body });
  return [response.status, await response.text()].join(" ");
};
const note = (text, ...embedding) => JSON.stringify({ text, embedding });
const main = async () => {
  console.log(process.versions.bun === undefined ? "node" : "bun", process.arch);
`;

const TOKEN = "open-sesame";
const MANY_WORDS = "more than eight characters";

export const SAMPLES: Readonly<Record<"bun" | "node", Sample>> = {
  bun: {
    binary: "brain",
    release: "test-brain-v0.1.0",
    port: 4680,
    env: { BRAIN_TOKEN: TOKEN },
    copy: copyBunSample,
    questions: `${ASK}
  const token = "Bearer ${TOKEN}";
  console.log(await ask("GET", "/health"));
  console.log(await ask("POST", "/notes", "Bearer another", note("stranger's", 1, 0, 0, 0)));
  console.log(await ask("POST", "/notes", token, note("northern", 1, 0, 0, 0)));
  console.log(await ask("POST", "/notes", token, note("eastern", 0, 1, 0, 0)));
  console.log(await ask("GET", "/notes/1", token));
  console.log(await ask("POST", "/search", token, '{"embedding": [0, 2, 0, 0], "k": 1}'));
};
main();`,
    answers: [
      '200 {"status":"ok","version":"0.1.0","encryption":false}',
      '401 {"error":"a bearer token is needed"}',
      '201 {"id":1}',
      '201 {"id":2}',
      '200 {"id":1,"text":"northern","embedding":[1,0,0,0]}',
      '200 {"notes":[{"id":2,"text":"eastern","distance":0}]}',
    ],
  },
  node: {
    binary: "node-brain",
    release: "test-node-brain-v0.1.0",
    port: 8080,
    env: {},
    copy: copyNodeSample,
    questions: `${ASK}
  const basic = (password) => "Basic " + btoa("ann:" + password);
  const user = JSON.stringify({ name: "ann", password: "${MANY_WORDS}" });
  console.log(await ask("POST", "/api/users", undefined, user));
  console.log(await ask("POST", "/api/notes", basic("${MANY_WORDS}"), "northern"));
  console.log(await ask("GET", "/api/notes", basic("${MANY_WORDS}")));
  console.log((await ask("GET", "/api/notes", basic("another"))).slice(0, 3));
  console.log(/<title>.*<.title>/.exec(await ask("GET", "/"))?.[0]);
  console.log(await ask("GET", "/api/health"));
};
main();`,
    answers: [
      '201 {"name":"ann"}',
      '201 {"id":1}',
      '200 {"notes":[{"id":1,"text":"northern"}]}',
      "401",
      "<title>node-brain</title>",
      '200 {"status":"ok","users":1}',
    ],
  },
};

/** One `gantry build` for all of a sample's targets, with their bundles: the directory that holds the releases. */
export function buildSample(runtime: "bun" | "node", work: string, targets: readonly string[]): string {
  const app = join(work, `${runtime}-app`);
  SAMPLES[runtime].copy(app);
  const out = join(work, runtime);
  const flags = targets.flatMap((target) => ["--target", target]);
  const args = ["build", app, "--no-archive", "--no-smoke", "--bun", BUN, "--vendor", ...flags, "--out", out];
  execFileSync(process.execPath, [join(root, "dist/cli.js"), ...args], { cwd: work, stdio: "pipe" });
  return out;
}

/**
 * The command line that asks a sample, by the runtime that runs it.
 * @param place the release's directory, where the sample runs
 * @param libc a release for musl has no Node of its own
 */
export function askCommand(
  runtime: "bun" | "node",
  place: string,
  port: number,
  libc: "gnu" | "musl",
): string[] {
  const { binary, questions } = SAMPLES[runtime];
  const script = questions.replace("PORT", String(port));
  if (runtime === "bun") return ["env", "BUN_BE_BUN=1", `${place}/lib/${binary}`, "-e", script];
  return [libc === "gnu" ? `${place}/lib/node` : "node", "-e", script];
}
