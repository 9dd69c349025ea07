/** Starters of the frameworks that render pages: their build makes an output of its own. */
import type { App } from "./app.ts";
import { json } from "./app.ts";

type Starter = Pick<App, "name" | "manager" | "home" | "asks"> & {
  readonly manifest: object;
  readonly files: Readonly<Record<string, string>>;
};

const starter = ({ manifest, files, ...rest }: Starter): App => ({
  group: "starter",
  runtime: "node",
  made: {
    by: "files",
    files: {
      "package.json": json({ name: rest.name, type: "module", private: true, ...manifest }),
      ...files,
    },
  },
  ...rest,
});

export const FULL_STACK: readonly App[] = [
  starter({
    name: "nitro",
    manager: "pnpm",
    manifest: {
      scripts: { build: "nitro build", dev: "nitro dev" },
      devDependencies: { nitropack: "2.13.6" },
    },
    files: {
      "nitro.config.ts": `import { defineNitroConfig } from "nitropack/config";

export default defineNitroConfig({ srcDir: "server", compatibilityDate: "2026-01-01" });
`,
      "server/routes/index.ts": `export default defineEventHandler(() => "Start by editing server/routes/index.ts");\n`,
    },
    home: { prepare: "pnpm run build", start: "node .output/server/index.mjs" },
    asks: { path: "/", shows: "Start by editing" },
  }),
  starter({
    name: "nuxt",
    manager: "npm",
    manifest: {
      scripts: { build: "nuxt build", dev: "nuxt dev", generate: "nuxt generate", preview: "nuxt preview" },
      dependencies: { nuxt: "4.5.2", vue: "3.5.45" },
    },
    files: {
      "nuxt.config.ts": `export default defineNuxtConfig({ compatibilityDate: "2026-01-01" });\n`,
      "app/app.vue": "<template>\n  <h1>Welcome to Nuxt!</h1>\n</template>\n",
    },
    home: { prepare: "npm run build", start: "node .output/server/index.mjs" },
    asks: { path: "/", shows: "Welcome to Nuxt!" },
  }),
  starter({
    name: "astro",
    manager: "npm",
    manifest: {
      scripts: { build: "astro build", dev: "astro dev", preview: "astro preview" },
      dependencies: { astro: "7.3.5", "@astrojs/node": "11.1.6" },
    },
    files: {
      "astro.config.mjs": `import node from "@astrojs/node";
import { defineConfig } from "astro/config";

export default defineConfig({ output: "server", adapter: node({ mode: "standalone" }) });
`,
      "src/pages/index.astro": `---
const started = process.version;
---
<html lang="en"><body><h1>Astro on {started}</h1></body></html>
`,
    },
    home: { prepare: "npm run build", start: "node dist/server/entry.mjs" },
    asks: { path: "/", shows: "Astro on" },
  }),
  starter({
    name: "react-router",
    manager: "npm",
    manifest: {
      scripts: { build: "react-router build", start: "react-router-serve ./build/server/index.js" },
      dependencies: {
        "@react-router/node": "8.4.0",
        "@react-router/serve": "8.4.0",
        "react-router": "8.4.0",
        isbot: "5.2.3",
        react: "19.3.1",
        "react-dom": "19.3.1",
      },
      devDependencies: { "@react-router/dev": "8.4.0", vite: "8.4.0" },
    },
    files: {
      "vite.config.js": `import { reactRouter } from "@react-router/dev/vite";
import { defineConfig } from "vite";

export default defineConfig({ plugins: [reactRouter()] });
`,
      "app/routes.js": `import { index } from "@react-router/dev/routes";\n\nexport default [index("routes/home.jsx")];\n`,
      "app/root.jsx": `import { Outlet, Scripts } from "react-router";

export default function App() {
  return (
    <html lang="en">
      <body>
        <Outlet />
        <Scripts />
      </body>
    </html>
  );
}
`,
      "app/routes/home.jsx": `export default function Home() {
  return <h1>Welcome to React Router</h1>;
}
`,
    },
    home: { prepare: "npm run build", start: "npm start --" },
    asks: { path: "/", shows: "Welcome to React Router" },
  }),
];
