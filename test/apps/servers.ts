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

/** PORT is a number there, so this is no JSON until it is filled in. */
const HOMEBRIDGE = `{
  "bridge": { "name": "Homebridge", "username": "0E:AD:BE:EF:00:01", "port": PORT, "pin": "031-45-154" },
  "accessories": [],
  "platforms": []
}
`;

export const SERVERS: readonly App[] = [
  server("verdaccio@6.10.4", {
    name: "verdaccio",
    // A dependency asks for the tag "cjs" of node-fetch, which the registry lacks; its line is 2.
    edits: ["npm pkg set overrides.node-fetch=2.7.0"],
    home: { start: "node bin/verdaccio" },
    arguments: ["--listen", "http://localhost:PORT"],
    asks: { path: "/-/ping", shows: "200" },
  }),
  // The next major imports qword, which the registry lacks.
  server("cloudcmd@18.8.11", {
    name: "cloudcmd",
    home: { start: "node bin/cloudcmd.mjs" },
    arguments: ["--port", "PORT", "--no-open", "--root", "STATE"],
    asks: { path: "/", shows: "Cloud Commander" },
  }),
  server("thelounge@4.5.2", {
    name: "thelounge",
    // It names a commit of the git repository, and no git host can be reached. The same library as released.
    edits: ["npm pkg set dependencies.irc-framework=4.14.0"],
    home: { start: "node index.js" },
    arguments: ["start", "--config", "port=PORT"],
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
    // It pins 2.2.2, which the registry lacks.
    edits: [`npm pkg set "dependencies[@homebridge/hap-nodejs]=2.2.3"`],
    // The bridge takes its port from its settings alone.
    arguments: ["--insecure", "--user-storage-path", "BESIDE"],
    beside: { "config.json": HOMEBRIDGE },
    asks: { path: "/accessories", shows: "accessories" },
  }),
  server("tileserver-gl-light@5.6.0", {
    name: "tileserver-gl-light",
    home: { start: "node src/main.js" },
    arguments: ["--port", "PORT", "--config", "BESIDE/config.json"],
    beside: { "config.json": json({ options: {}, styles: {}, data: {} }) },
    asks: { path: "/health", shows: "200" },
  }),
  // The newest of which the registry has every dependency.
  server("signalk-server@2.23.0", {
    name: "signalk-server",
    home: { start: "node bin/signalk-server" },
    arguments: ["-c", "STATE"],
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
