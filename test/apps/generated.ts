/** Apps that generators make from the templates that they carry. */
import type { App } from "./app.ts";

type Generated = Omit<App, "group" | "runtime" | "made"> & {
  readonly spec: string;
  readonly arguments_: readonly string[];
};

const generated = ({ spec, arguments_, ...rest }: Generated): App => ({
  group: "generator",
  runtime: "node",
  made: { by: "generator", spec, arguments: arguments_ },
  ...rest,
});

export const GENERATED: readonly App[] = [
  generated({
    name: "express-generator",
    spec: "express-generator@4.16.1",
    arguments_: ["--view=pug", "shop"],
    manager: "yarn",
    directory: "shop",
    home: { start: "node bin/www" },
    asks: { path: "/", shows: "Welcome to Express" },
  }),
  generated({
    name: "nestjs",
    spec: "@nestjs/cli@12.0.8",
    arguments_: ["new shop --skip-git --skip-install --package-manager pnpm"],
    manager: "pnpm",
    directory: "shop",
    home: { prepare: "npm run build", start: "node dist/main.js" },
    asks: { path: "/", shows: "Hello World!" },
  }),
  generated({
    name: "sveltekit",
    spec: "sv@0.17.1",
    arguments_: ["create shop --template demo --types ts --no-add-ons --no-install"],
    // The documented way: the adapter that the template has is replaced.
    edits: [
      "cd shop && npm pkg set devDependencies.@sveltejs/adapter-node=5.5.7",
      "cd shop && sed -i s/adapter-auto/adapter-node/ $(grep -ls adapter-auto svelte.config.js vite.config.ts)",
    ],
    manager: "npm",
    directory: "shop",
    home: { prepare: "npm run build", start: "node build" },
    asks: { path: "/", shows: "Welcome" },
  }),
  generated({
    name: "next",
    spec: "create-next-app@16.4.3",
    arguments_: ["shop --ts --app --no-tailwind --no-eslint --no-src-dir --use-npm --skip-install --yes"],
    edits: [
      `cd shop && sed -i 's|/\\* config options here \\*/|output: "standalone",|' next.config.ts`,
      // A build fetches the template's fonts from a server of Google, which tests do not ask.
      `cd shop && sed -i 's|^import .* from "next/font/google";|const Geist = (_: object) => ({ variable: "" });\\nconst Geist_Mono = Geist;|' app/layout.tsx`,
    ],
    manager: "npm",
    directory: "shop",
    home: { prepare: "npm run build", start: "node .next/standalone/server.js" },
    asks: { path: "/", shows: "Next" },
  }),
  generated({
    name: "strapi",
    spec: "create-strapi-app@5.55.0",
    arguments_: [
      "shop --non-interactive --skip-cloud --no-run --no-install --no-git-init --typescript --dbclient sqlite",
    ],
    manager: "npm",
    directory: "shop",
    home: { prepare: "npm run build", start: "npm run start --" },
    asks: { path: "/_health", shows: "204" },
    patience: 120,
  }),
];
