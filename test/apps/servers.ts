/** Whole servers that npm carries. Each is its published package, installed by npm without its development's tools. */
import type { App } from "./app.ts";
import { json } from "./app.ts";

type Server = Omit<App, "group" | "runtime" | "manager" | "made">;

const server = (spec: string, rest: Server): App => ({
  group: "server",
  runtime: "node",
  manager: "npm",
  made: { by: "package", spec },
  ...rest,
});

const HOMEBRIDGE = {
  bridge: { name: "Homebridge", username: "0E:AD:BE:EF:00:01", port: "PORT", pin: "031-45-154" },
  accessories: [],
  platforms: [],
};

export const SERVERS: readonly App[] = [
  server("verdaccio@6.10.4", {
    name: "verdaccio",
    home: { start: "node bin/verdaccio" },
    arguments: ["--listen", "http://localhost:PORT"],
    asks: { path: "/-/ping", shows: "200" },
  }),
  server("cloudcmd@19.19.1", {
    name: "cloudcmd",
    home: { start: "node bin/cloudcmd.js" },
    arguments: ["--port", "PORT", "--no-open", "--root", "STATE"],
    asks: { path: "/", shows: "Cloud Commander" },
  }),
  server("thelounge@4.5.2", {
    name: "thelounge",
    home: { start: "node index.js" },
    arguments: ["start", "--port", "PORT"],
    environment: { THELOUNGE_HOME: "STATE" },
    asks: { path: "/", shows: "The Lounge" },
  }),
  server("node-red@5.0.7", {
    name: "node-red",
    home: { start: "node red.js" },
    arguments: ["--port", "PORT", "--userDir", "STATE"],
    asks: { path: "/settings", shows: "httpNodeRoot" },
  }),
  server("homebridge@2.4.0", {
    name: "homebridge",
    home: { start: "node bin/homebridge.js" },
    // The bridge takes a port of its own choice unless its settings name one, which cannot be filled in from outside.
    arguments: ["--insecure", "--user-storage-path", "."],
    beside: { "config.json": json(HOMEBRIDGE) },
    asks: { path: "/accessories", shows: "accessories" },
  }),
  server("tileserver-gl-light@5.6.0", {
    name: "tileserver-gl-light",
    home: { start: "node src/main.js" },
    arguments: ["--port", "PORT", "--config", "config.json"],
    beside: { "config.json": json({ options: {}, styles: {}, data: {} }) },
    asks: { path: "/health", shows: "200" },
  }),
  server("signalk-server@2.32.0", {
    name: "signalk-server",
    home: { start: "node bin/signalk-server" },
    arguments: ["--config-dir", "STATE"],
    asks: { path: "/signalk", shows: "endpoints" },
  }),
  server("directus@12.4.1", {
    name: "directus",
    home: { start: "node cli.js" },
    arguments: ["start"],
    environment: { DB_CLIENT: "sqlite3", DB_FILENAME: "STATE/data.db", SECRET: "not a secret" },
    asks: { path: "/server/ping", shows: "pong" },
    patience: 120,
  }),
];
