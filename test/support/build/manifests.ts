import type { Manifest } from "../../../src/release/manifest.ts";

const file = { size: 1, sha256: "0".repeat(64) };

export const bunManifest: Manifest = {
  schema: 1,
  name: "notes",
  version: "1.2.3",
  binary: "notes",
  target: "linux-x64-gnu",
  gantry: "0.1.0",
  runtime: { kind: "bun", version: "1.4.5" },
  executable: file,
  launcher: file,
  install: "first-run",
  service: {
    user: "notes",
    description: "Keeps notes",
    type: "exec",
    arguments: ["serve"],
    port: 8080,
    health: "/health",
    directories: [],
    memory: "512M",
    tasks: 256,
    healthWindow: 30,
    healthSettle: 3,
    snapshot: false,
    exposure: "public",
  },
  externals: [],
  modules: {},
  native: [],
};

const { executable: _, ...rest } = bunManifest;

/** For the Node of a musl host. */
export const nodeManifest: Manifest = {
  ...rest,
  target: "linux-x64-musl",
  runtime: { kind: "node", version: "24.21.0", abi: 137, system: true, entry: "lib/app/dist/index.js" },
};

/** With a Node of its own. */
export const ownNodeManifest: Manifest = {
  ...bunManifest,
  runtime: { kind: "node", version: "24.21.0", abi: 137, system: false, entry: "lib/app/dist/index.js" },
};
