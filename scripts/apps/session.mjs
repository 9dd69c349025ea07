// One run of an app: starts it, waits until its port answers, asks it, stops it. Takes the plan as JSON in its only
// argument and prints what happened as JSON. It is a program of its own, so that it can run in a namespace without a
// network, together with the app. It runs under a Node that has WebSocket.
import { spawn } from "node:child_process";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** @type {import("./run.ts").SessionPlan} */
const plan = JSON.parse(process.argv[2] ?? "");
const { argv, cwd, environment, port, asks, patience } = plan;
const [program = "", ...args] = argv;
const started = performance.now();
// A group of its own, so that children of the app end with it.
const app = spawn(program, args, {
  cwd,
  env: environment,
  detached: true,
  stdio: ["ignore", "pipe", "pipe"],
});
let output = "";
/** @type {{ exit?: number | string, listening?: number }} */
const seen = {};
for (const stream of [app.stdout, app.stderr])
  stream.on("data", (data) => (output = (output + data).slice(-20_000)));
app.on("error", (error) => {
  seen.exit = error.message;
});
app.on("exit", (code, signal) => {
  seen.exit = code ?? signal ?? "";
});

const isLate = () => performance.now() - started > patience * 1000;
const elapsed = () => Math.round(performance.now() - started);

const listens = () =>
  new Promise((resolve) => {
    const socket = connect({ port, host: "localhost" });
    socket.on("connect", () => resolve(true) ?? socket.destroy());
    socket.on("error", () => resolve(false));
  });

/** @param {Extract<typeof asks, { path: string }>} question */
async function askPage({ path, body, headers }) {
  const method = body === undefined ? "GET" : "POST";
  const signal = AbortSignal.timeout(10_000);
  const response = await fetch(`http://localhost:${port}${path}`, { method, body, headers, signal });
  return `${response.status} ${await response.text()}`;
}

/** @param {Extract<typeof asks, { socket: string }>} question @returns {Promise<string>} */
const askSocket = ({ socket: path, sends, shows }) =>
  new Promise((resolve) => {
    const socket = new WebSocket(`ws://localhost:${port}${path}`);
    let heard = "";
    const end = () => resolve(heard) ?? socket.close();
    setTimeout(end, 10_000).unref();
    socket.addEventListener("open", () => socket.send(sends));
    socket.addEventListener("error", end);
    socket.addEventListener("message", async ({ data }) => {
      heard += typeof data === "string" ? data : await new Response(data).text();
      if (heard.includes(shows)) end();
    });
  });

while (seen.exit === undefined && seen.listening === undefined && !isLate()) {
  if (await listens()) seen.listening = elapsed();
  else await sleep(5);
}
let answer = "";
let answered = false;
// A server may listen before all of it is ready, so it is asked until it answers as expected.
while (seen.listening !== undefined && seen.exit === undefined && !answered && !isLate()) {
  answer = await ("path" in asks ? askPage(asks) : askSocket(asks)).catch(
    (error) => `${error.cause ?? error}`,
  );
  answered = answer.includes(asks.shows);
  if (!answered) await sleep(200);
}
const ended = seen.exit;
/** @param {NodeJS.Signals} signal */
const kill = (signal) => {
  try {
    process.kill(-Number(app.pid), signal);
  } catch {
    // All of the group have ended.
  }
};
kill("SIGTERM");
for (let waited = 0; seen.exit === undefined && waited < 50; waited++) await sleep(100);
kill("SIGKILL");
process.stdout.write(
  JSON.stringify({ listening: seen.listening, answered, answer: answer.slice(0, 400), ended, output }),
);
process.exit(0);
