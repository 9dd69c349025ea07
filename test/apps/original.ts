/**
 * The original app's shape: a server on Bun with libsql, matrix crypto, embeddings by onnxruntime and a tokenizer, MCP
 * and a web server. Its archive, with its modules vendored, is wanted at 60 MB, with at most 45 packages outside.
 */
import type { App } from "./app.ts";
import { json } from "./app.ts";

const SERVER = `import { createClient } from "@libsql/client";
import { Tokenizer } from "@anush008/tokenizers";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { FlagEmbedding } from "fastembed";
import { Hono } from "hono";
import Database from "libsql";
import { InferenceSession, Tensor } from "onnxruntime-node";

const client = createClient({ url: ":memory:" });
await client.execute("CREATE TABLE notes (text TEXT)");
const mcp = new McpServer({ name: "original", version: "1.0.0" });
mcp.registerTool("count", {}, async () => ({ content: [{ type: "text", text: "1" }] }));

const app = new Hono();
app.get("/", async (c) => {
  await client.execute({ sql: "INSERT INTO notes VALUES (?)", args: ["gantry"] });
  const { rows } = await client.execute("SELECT count(*) AS n FROM notes");
  const one = new Database(":memory:").prepare("SELECT 1 AS one").get();
  const matrix = await import("matrix-bot-sdk").then(
    ({ MatrixClient }) => typeof MatrixClient,
    () => "not available",
  );
  const parts = [FlagEmbedding.init, InferenceSession.create, Tokenizer.fromFile].map((part) => typeof part);
  const tensor = new Tensor("float32", [1, 2], [2]).dims;
  return c.json({ notes: rows[0]?.n, one, parts, tensor, matrix });
});
Bun.serve({ port: Number(process.env.PORT ?? 3000), fetch: app.fetch });
`;

export const ORIGINAL: App = {
  name: "the-original-app",
  group: "module",
  runtime: "bun",
  manager: "bun",
  made: {
    by: "files",
    files: {
      "package.json": json({
        name: "original",
        version: "1.0.0",
        type: "module",
        module: "src/index.ts",
        scripts: { start: "bun src/index.ts" },
        dependencies: {
          "@anush008/tokenizers": "0.0.0",
          "@libsql/client": "0.18.0",
          "@modelcontextprotocol/sdk": "1.32.2",
          fastembed: "2.1.0",
          hono: "4.13.19",
          libsql: "0.5.29",
          "matrix-bot-sdk": "0.8.0",
          "onnxruntime-node": "1.21.0",
        },
        // Its install script fetches the native file from a place that not every network reaches.
        optionalDependencies: { "@matrix-org/matrix-sdk-crypto-nodejs": "0.4.0" },
      }),
      "src/index.ts": SERVER,
    },
  },
  home: { start: "bun src/index.ts" },
  asks: { path: "/", shows: '"parts":["function","function","function"]' },
};
