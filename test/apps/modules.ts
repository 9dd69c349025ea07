/** Services on Node around one module, as its README begins. */
import type { App, Manager, Question } from "./app.ts";
import { json } from "./app.ts";
import { MONOREPO } from "./monorepo.ts";

interface Service {
  readonly name: string;
  readonly manager: Manager;
  readonly dependencies: Readonly<Record<string, string>>;
  /** Its program: what comes before, and the body of `answer`, which returns a text. */
  readonly top: string;
  readonly answer: string;
  readonly shows: string;
  /** Further files of the app. */
  readonly files?: Readonly<Record<string, string>>;
}

const program = (top: string, answer: string): string => `import { createServer } from "node:http";
${top}
async function answer() {
${answer.replaceAll(/^/gm, "  ")}
}

createServer((request, response) => {
  answer().then(
    (text) => response.end(String(text)),
    (error) => response.writeHead(500).end(String(error.stack)),
  );
}).listen(Number(process.env.PORT ?? 3000));
`;

const onNode = (
  name: string,
  manager: Manager,
  dependencies: object,
  files: Readonly<Record<string, string>>,
  asks: Question,
): App => ({
  name,
  group: "module",
  runtime: "node",
  manager,
  made: {
    by: "files",
    files: {
      "package.json": json({
        name: `${name}-service`,
        version: "1.0.0",
        type: "module",
        main: "server.js",
        scripts: { start: "node server.js" },
        dependencies,
        // Without it pnpm runs no install script.
        ...(manager === "pnpm" ? { pnpm: { onlyBuiltDependencies: Object.keys(dependencies) } } : {}),
      }),
      ...files,
    },
  },
  home: { start: "node server.js" },
  asks,
});

const service = ({ name, manager, dependencies, top, answer, shows, files = {} }: Service): App =>
  onNode(name, manager, dependencies, { "server.js": program(top, answer), ...files }, { path: "/", shows });

const TERMINAL = `import { createServer } from "node:http";
import { spawn } from "node-pty";
import { WebSocketServer } from "ws";

const server = createServer((request, response) => response.end("connect by WebSocket"));
const sockets = new WebSocketServer({ server });
sockets.on("connection", (socket) => {
  const shell = spawn("sh", [], { name: "xterm-color", cols: 80, rows: 30, env: process.env });
  shell.onData((data) => socket.send(data));
  socket.on("message", (data) => shell.write(String(data)));
  socket.on("close", () => shell.kill());
});
server.listen(Number(process.env.PORT ?? 3000));
`;

export const MODULES: readonly App[] = [
  service({
    name: "msgpackr-usb",
    manager: "npm",
    dependencies: { msgpackr: "2.1.4", usb: "3.1.0" },
    top: `import { pack, unpack } from "msgpackr";\nimport { usb } from "usb";\n`,
    answer: `const { name } = unpack(pack({ name: "rocket" }));
// Its native part says so itself on a machine without a USB bus.
const devices = await usb.getDevices().catch((error) => {
  if (error.code === "GenericFailure") return [];
  throw error;
});
return name + " " + (devices.length >= 0 ? "counted" : "failed");`,
    shows: "rocket counted",
  }),
  onNode(
    "node-pty-ws",
    "npm",
    { "node-pty": "1.1.0", ws: "8.23.0", bufferutil: "4.1.0" },
    { "server.js": TERMINAL },
    { socket: "/", sends: "echo $((6 * 7))rockets\n", shows: "42rockets" },
  ),
  service({
    name: "napi-rs-canvas",
    manager: "yarn",
    dependencies: { "@napi-rs/canvas": "1.1.1" },
    top: `import { createCanvas } from "@napi-rs/canvas";\n`,
    answer: `const canvas = createCanvas(30, 20);
canvas.getContext("2d").fillRect(5, 5, 10, 10);
return (await canvas.encode("png")).subarray(1, 4);`,
    shows: "PNG",
  }),
  service({
    name: "tree-sitter",
    manager: "npm",
    dependencies: { "tree-sitter": "0.25.0", "tree-sitter-javascript": "0.25.0" },
    top: `import Parser from "tree-sitter";\nimport JavaScript from "tree-sitter-javascript";\n`,
    answer: `const parser = new Parser();
parser.setLanguage(JavaScript);
return parser.parse("let x = 1; console.log(x);").rootNode.toString();`,
    shows: "lexical_declaration",
  }),
  service({
    name: "duckdb",
    manager: "npm",
    dependencies: { "@duckdb/node-api": "1.5.6-r.1" },
    top: `import { DuckDBInstance } from "@duckdb/node-api";\n`,
    answer: `const instance = await DuckDBInstance.create(":memory:");
const connection = await instance.connect();
const reader = await connection.runAndReadAll("select sum(i) as s from range(10) t(i)");
return reader.getRows().join();`,
    shows: "45",
  }),
  service({
    name: "lancedb",
    manager: "npm",
    dependencies: { "@lancedb/lancedb": "0.39.0", "apache-arrow": "18.1.0" },
    top: `import * as lancedb from "@lancedb/lancedb";\n`,
    answer: `const db = await lancedb.connect("data/sample-lancedb");
const rows = [{ id: 1, vector: [0.1, 1.0], item: "foo" }, { id: 2, vector: [3.9, 0.5], item: "bar" }];
const table = await db.createTable("items", rows, { mode: "overwrite" });
const [nearest] = await table.vectorSearch([0.1, 0.3]).limit(1).toArray();
return nearest.item;`,
    shows: "foo",
  }),
  service({
    name: "onnxruntime",
    manager: "npm",
    dependencies: { "onnxruntime-node": "1.30.0" },
    // As its README says for a machine without CUDA, for which its install script asks another registry.
    files: { ".npmrc": "onnxruntime-node-install=skip\n" },
    top: `import { InferenceSession, Tensor } from "onnxruntime-node";

// The smallest model: y = Identity(x), as ONNX bytes.
const MODEL = Buffer.from(
  "08083a2f0a100a017812017922084964656e746974791201675a0b0a017812060a040801" +
    "1200620b0a017912060a04080112004202100d",
  "hex",
);
`,
    answer: `const session = await InferenceSession.create(MODEL);
const { y } = await session.run({ x: new Tensor("float32", [42], []) });
return "y=" + y.data[0];`,
    shows: "y=42",
  }),
  service({
    name: "isolated-vm",
    manager: "npm",
    dependencies: { "isolated-vm": "7.0.1" },
    top: `import ivm from "isolated-vm";\n`,
    answer: `const isolate = new ivm.Isolate({ memoryLimit: 128 });
const context = await isolate.createContext();
return await context.eval("6 * 7");`,
    shows: "42",
  }),
  service({
    name: "re2-zeromq",
    manager: "npm",
    dependencies: { re2: "1.27.1", zeromq: "6.8.0" },
    top: `import RE2 from "re2";\nimport * as zmq from "zeromq";\n`,
    answer: `const push = new zmq.Push();
const pull = new zmq.Pull();
const address = "inproc://rockets";
await push.bind(address);
pull.connect(address);
await push.send("three rockets");
const [message] = await pull.receive();
push.close();
pull.close();
return new RE2("(?<what>r\\\\w+)").exec(String(message)).groups.what;`,
    shows: "rockets",
  }),
  MONOREPO,
];
