/**
 * The frameworks whose builds put a server into a known place. What a framework's configuration has to say for that is
 * checked, because the build would otherwise make pages or nothing that Node can start.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { PackageJson } from "pkg-types";

export interface Framework {
  /** Its name, for messages. */
  readonly name: string;
  /** One of these packages among the dependencies means that the app uses it. */
  readonly packages: readonly string[];
  /** The file that its build makes, relative to the app. Undefined when a program of a package serves the build. */
  readonly entry?: string;
  /** The port that its server takes without PORT. */
  readonly port: number;
  /** The configuration's name, what it has to contain, and the sentence for an app in which it does not. */
  readonly needs?: { readonly config: RegExp; readonly says: RegExp; readonly fix: string };
}

const FRAMEWORKS: readonly Framework[] = [
  {
    name: "Next.js",
    packages: ["next"],
    entry: ".next/standalone/server.js",
    port: 3000,
    needs: {
      config: /^next\.config\.[cm]?[jt]s$/,
      says: /output["']?\s*:\s*["']standalone["']/,
      fix: 'set output: "standalone" in next.config',
    },
  },
  { name: "Nuxt", packages: ["nuxt", "nuxt3"], entry: ".output/server/index.mjs", port: 3000 },
  {
    name: "SvelteKit",
    packages: ["@sveltejs/kit"],
    entry: "build/index.js",
    port: 3000,
    needs: {
      config: /^(?:svelte|vite)\.config\.[cm]?[jt]s$/,
      says: /adapter-(?:node|bun)|svelte-adapter-bun/,
      fix: "install @sveltejs/adapter-node, and use it in svelte.config.js",
    },
  },
  {
    name: "Astro",
    packages: ["astro"],
    entry: "dist/server/entry.mjs",
    port: 4321,
    needs: {
      config: /^astro\.config\.[cm]?[jt]s$/,
      says: /@astrojs\/node/,
      fix: 'install @astrojs/node, and use it in astro.config with mode: "standalone"',
    },
  },
  { name: "React Router", packages: ["@react-router/serve"], port: 3000 },
  { name: "Remix", packages: ["@remix-run/serve"], port: 3000 },
  { name: "SolidStart", packages: ["@solidjs/start"], entry: ".output/server/index.mjs", port: 3000 },
  { name: "Nitro", packages: ["nitropack", "nitro"], entry: ".output/server/index.mjs", port: 3000 },
  { name: "Strapi", packages: ["@strapi/strapi"], port: 1337 },
  { name: "NestJS", packages: ["@nestjs/core"], entry: "dist/main.js", port: 3000 },
];

export interface FoundFramework {
  readonly framework: Framework;
  /** The sentence for an app whose configuration makes no server that Node can start. */
  readonly lacking: string | undefined;
}

/** Finds the framework of an app, and what its configuration lacks. */
export function findFramework(
  dir: string,
  { dependencies, devDependencies }: PackageJson,
): FoundFramework | undefined {
  const names = new Set(Object.keys({ ...dependencies, ...devDependencies }));
  const framework = FRAMEWORKS.find(({ packages }) => packages.some((name) => names.has(name)));
  if (framework === undefined) return undefined;
  const { needs } = framework;
  if (needs === undefined) return { framework, lacking: undefined };
  const told = readdirSync(dir)
    .filter((name) => needs.config.test(name))
    .some((name) => needs.says.test(readFileSync(join(dir, name), "utf8")));
  return { framework, lacking: told ? undefined : needs.fix };
}
