/** The starter that each framework's documentation begins with, written out. */
import type { App } from "./app.ts";
import { json } from "./app.ts";
import { FULL_STACK } from "./full-stack.ts";

const FASTIFY = `import Fastify from "fastify";

const fastify = Fastify({ logger: true });

fastify.get("/", async () => ({ hello: "world" }));

try {
  await fastify.listen({ port: Number(process.env.PORT ?? 3000) });
} catch (error) {
  fastify.log.error(error);
  process.exit(1);
}
`;

const HONO = `import { Hono } from "hono";
import { db } from "./db/client";
import { notes } from "./db/schema";

const app = new Hono();
app.get("/notes", async (c) => {
  await db.insert(notes).values({ text: "hello" });
  return c.json(await db.select().from(notes));
});

export default { port: Number(process.env.PORT ?? 3000), fetch: app.fetch };
`;

const HONO_FILES = {
  "package.json": json({
    name: "notes",
    version: "1.0.0",
    type: "module",
    scripts: { dev: "bun run --hot src/index.ts", start: "bun run src/index.ts" },
    dependencies: { hono: "4.13.19", "drizzle-orm": "0.45.4", "@libsql/client": "0.18.0" },
    devDependencies: { "bun-types": "1.4.5" },
  }),
  "src/index.ts": HONO,
  "src/db/schema.ts": `import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const notes = sqliteTable("notes", {
  id: integer("id").primaryKey({ autoIncrement: true }),
  text: text("text").notNull(),
});
`,
  "src/db/client.ts": `import { drizzle } from "drizzle-orm/libsql";
import { migrate } from "drizzle-orm/libsql/migrator";
import { join } from "node:path";

export const db = drizzle({ connection: { url: process.env.DATABASE_URL ?? "file:notes.db" } });
await migrate(db, { migrationsFolder: join(import.meta.dir, "../../drizzle") });
`,
  "drizzle/0000_notes.sql":
    "CREATE TABLE `notes` (\n\t`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,\n\t`text` text NOT NULL\n);\n",
  "drizzle/meta/_journal.json": json({
    version: "7",
    dialect: "sqlite",
    entries: [{ idx: 0, version: "6", when: 1_760_000_000_000, tag: "0000_notes", breakpoints: true }],
  }),
};

const ELYSIA = `import { Elysia } from "elysia";
import sharp from "sharp";

new Elysia()
  .get("/", async () => {
    const create = { width: 64, height: 32, channels: 3, background: "red" } as const;
    const { info } = await sharp({ create }).resize(16).webp().toBuffer({ resolveWithObject: true });
    return \`\${info.format} \${info.width}x\${info.height}\`;
  })
  .listen(Number(process.env.PORT ?? 3000));
`;

export const STARTERS: readonly App[] = [
  {
    name: "fastify",
    group: "starter",
    runtime: "node",
    manager: "npm",
    made: {
      by: "files",
      files: {
        "package.json": json({
          name: "hello",
          version: "1.0.0",
          type: "module",
          main: "server.js",
          scripts: { start: "node server.js" },
          dependencies: { fastify: "5.12.8" },
        }),
        "server.js": FASTIFY,
      },
    },
    home: { start: "node server.js" },
    asks: { path: "/", shows: '{"hello":"world"}' },
  },
  {
    name: "hono-drizzle-libsql",
    group: "starter",
    runtime: "bun",
    manager: "bun",
    made: { by: "files", files: HONO_FILES },
    home: { start: "bun run src/index.ts" },
    asks: { path: "/notes", shows: '"text":"hello"' },
  },
  {
    name: "elysia-sharp",
    group: "starter",
    runtime: "bun",
    manager: "bun",
    made: {
      by: "files",
      files: {
        "package.json": json({
          name: "pictures",
          version: "1.0.50",
          module: "src/index.js",
          scripts: { dev: "bun run --watch src/index.ts" },
          dependencies: { elysia: "1.4.30", sharp: "0.35.5" },
          devDependencies: { "bun-types": "1.4.5" },
        }),
        "src/index.ts": ELYSIA,
      },
    },
    home: { start: "bun run src/index.ts" },
    asks: { path: "/", shows: "webp 16x8" },
  },
  ...FULL_STACK,
];
