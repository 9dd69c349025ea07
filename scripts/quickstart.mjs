// npm run quickstart: builds the sample brain's release, then uses it as on a server: in an empty directory, with only
// sh and coreutils on the PATH. Prints the results and removes everything.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { ensureBuilt, runStep } from "./install.mjs";

const COREUTILS = ["sh", "uname", "readlink", "cat", "ls", "mkdir", "rm", "env", "true"];
const NOTES = [
  { text: "the gantry holds the rocket until it is ready", embedding: [0.9, 0.1, 0, 0.2] },
  { text: "bread needs flour, water, salt and time", embedding: [0, 0.9, 0.3, 0] },
  { text: "a launch tower checks, fuels and lets go", embedding: [0.8, 0, 0.1, 0.3] },
];
const QUESTION = [1, 0, 0, 0.25];

/** @param {string} directory */
function makePath(directory) {
  mkdirSync(directory);
  for (const name of COREUTILS) {
    const found = ["/bin", "/usr/bin"].map((place) => join(place, name)).find((file) => existsSync(file));
    if (found !== undefined) symlinkSync(found, join(directory, name));
  }
  return directory;
}

/** @param {string} directory @returns {number} */
function bytesBelow(directory) {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

/** @param {number} bytes */
const mb = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

/**
 * Starts ./brain and waits for the line with its address.
 * @param {string} release @param {string} cwd @param {NodeJS.ProcessEnv} env
 */
async function startBrain(release, cwd, env) {
  const begun = performance.now();
  const child = spawn(join(release, "brain"), [], { cwd, env, stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  const address = await new Promise((resolve, reject) => {
    createInterface(child.stdout).on("line", (line) => {
      const [, url] = /listening on (\S+)/.exec(line) ?? [];
      if (url !== undefined) resolve(url);
    });
    child.once("exit", (code) => reject(new Error(`./brain ended with ${code} before it listened`)));
  });
  const milliseconds = performance.now() - begun;
  const stop = async () => {
    child.kill("SIGTERM");
    await ended;
  };
  return { address, milliseconds, stop };
}

/** @param {string} address @param {string} path @param {string} token @param {unknown} body */
async function post(address, path, token, body) {
  const response = await fetch(`${address}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`POST ${path} answered ${response.status}: ${await response.text()}`);
  return response.json();
}

const begun = performance.now();
ensureBuilt();
const work = mkdtempSync(join(tmpdir(), "gantry-quickstart-"));
try {
  const out = join(work, "out");
  runStep(process.execPath, ["dist/cli.js", "build", "test/fixtures/test-brain", "--out", out]);
  const name = readdirSync(out).find((entry) => existsSync(join(out, entry, "brain")));
  if (name === undefined) throw new Error("the build made no release");
  const release = join(out, name);
  const empty = join(work, "empty");
  mkdirSync(empty);

  const token = "quickstart";
  const inherited = Object.entries(process.env).filter(
    ([key]) => !/^npm_|^NODE_OPTIONS$|^INIT_CWD$/.test(key),
  );
  const env = {
    ...Object.fromEntries(inherited),
    PATH: makePath(join(work, "path")),
    BRAIN_TOKEN: token,
    BRAIN_PORT: "0",
  };

  console.log(`\n$ ./brain    (in an empty directory, PATH holds ${COREUTILS.join(" ")})`);
  const first = await startBrain(release, empty, env);
  for (const note of NOTES) await post(first.address, "/notes", token, note);
  console.log(`\nstored ${NOTES.length} notes; the two nearest to [${QUESTION.join(", ")}]:`);
  const answer = await post(first.address, "/search", token, { embedding: QUESTION, k: 2 });
  console.log(JSON.stringify(answer, null, 2));
  await first.stop();

  const warm = await startBrain(release, empty, env);
  await warm.stop();
  console.log(`
first start   ${(first.milliseconds / 1000).toFixed(2)} s until it listened, modules fetched and proven
second start  ${(warm.milliseconds / 1000).toFixed(2)} s until it listened
release       ${mb(bytesBelow(join(release, "lib")))} in lib/, ${mb(bytesBelow(join(release, "node_modules")))} of native modules
archive       ${mb(statSync(`${release}.tar.gz`).size)}
all of it     ${((performance.now() - begun) / 1000).toFixed(0)} s`);
} finally {
  rmSync(work, { recursive: true, force: true });
}
