// Uses a part of each thing that Node is made of, and prints what came of it as one line of JSON.
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { brotliCompressSync, brotliDecompressSync } from "node:zlib";
import { once } from "node:events";
import { Worker } from "node:worker_threads";

const server = createServer((_, response) => response.end("over http")).listen(0, "127.0.0.1");
await once(server, "listening");
const address = server.address();
if (address === null || typeof address === "string") throw new Error("no port");
const fetched = await (await fetch(`http://127.0.0.1:${address.port}`)).text();
server.close();

const worker = new Worker("require('node:worker_threads').parentPort.postMessage(6 * 7)", { eval: true });
const [answer] = await once(worker, "message");

// (module (func (export "f") (result i32) i32.const 42))
const module = [
  [0, 97, 115, 109, 1, 0, 0, 0],
  [1, 5, 1, 96, 0, 1, 127],
  [3, 2, 1, 0],
  [7, 5, 1, 1, 102, 0, 0],
  [10, 6, 1, 4, 0, 65, 42, 11],
].flat();
const { instance } = await WebAssembly.instantiate(Uint8Array.from(module));
const answers = /** @type {{ f: () => number }} */ (/** @type {unknown} */ (instance.exports));

const report = /** @type {{ header: { nodejsVersion: string }, nativeStack: { symbol: string }[] }} */ (
  process.report.getReport()
);
const names = report.nativeStack.map(({ symbol }) => symbol).join("\n");

console.log(
  JSON.stringify({
    crypto: createHash("sha256").update("abc").digest("hex"),
    intl: new Intl.DateTimeFormat("de", { dateStyle: "long", timeZone: "UTC" }).format(0),
    fetched,
    worker: answer,
    wasm: answers.f(),
    unzipped: brotliDecompressSync(brotliCompressSync("over and over")).toString(),
    // Frames of functions that addons can call still have their names.
    report: { version: report.header.nodejsVersion, native: names.includes("node::report::GetReport(") },
    stack: new Error("here").stack?.includes("all-of-node.mjs") === true,
  }),
);
