/** A pnpm monorepo: a server with argon2, and its database, better-sqlite3 behind knex, in a package of its own. */
import type { App } from "./app.ts";
import { json } from "./app.ts";

const DATABASE = `import { fileURLToPath } from "node:url";
import knex from "knex";

export const db = knex({
  client: "better-sqlite3",
  connection: { filename: process.env.DATABASE ?? "users.db" },
  useNullAsDefault: true,
  migrations: { directory: fileURLToPath(new URL("./migrations", import.meta.url)) },
});
await db.migrate.latest();
`;

const MIGRATION = `export async function up(knex) {
  await knex.schema.createTable("users", (table) => {
    table.increments();
    table.string("name").notNullable();
    table.string("hash").notNullable();
  });
}

export async function down(knex) {
  await knex.schema.dropTable("users");
}
`;

const SERVER = `import { createServer } from "node:http";
import { db } from "@board/database";
import argon2 from "argon2";

createServer(async (request, response) => {
  await db("users").insert({ name: "ada", hash: await argon2.hash("secret") });
  const { name, hash } = await db("users").first();
  response.end(name + " " + (await argon2.verify(hash, "secret")));
}).listen(Number(process.env.PORT ?? 3000));
`;

export const MONOREPO: App = {
  name: "argon2-sqlite-monorepo",
  group: "module",
  runtime: "node",
  manager: "pnpm",
  made: {
    by: "files",
    files: {
      "package.json": json({
        name: "board",
        private: true,
        packageManager: "pnpm@10.27.0",
        pnpm: { onlyBuiltDependencies: ["argon2", "better-sqlite3"] },
      }),
      "pnpm-workspace.yaml": "packages:\n  - apps/*\n  - packages/*\n",
      "packages/database/package.json": json({
        name: "@board/database",
        version: "1.0.0",
        type: "module",
        exports: "./index.js",
        dependencies: { knex: "3.3.0", "better-sqlite3": "13.2.0" },
      }),
      "packages/database/index.js": DATABASE,
      "packages/database/migrations/20260101000000_users.js": MIGRATION,
      "apps/server/package.json": json({
        name: "@board/server",
        version: "1.0.0",
        type: "module",
        main: "server.js",
        scripts: { start: "node server.js" },
        dependencies: { "@board/database": "workspace:*", argon2: "0.45.1" },
      }),
      "apps/server/server.js": SERVER,
    },
  },
  directory: "apps/server",
  home: { start: "node server.js" },
  asks: { path: "/", shows: "ada true" },
};
