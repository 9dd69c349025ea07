/** Services on Bun around one module, as its README begins. */
import type { App } from "./app.ts";
import { json } from "./app.ts";

type BunApp = Omit<App, "group" | "runtime" | "manager" | "made" | "home"> & {
  readonly files: Readonly<Record<string, string>>;
};

const onBun = ({ files, ...rest }: BunApp): App => ({
  group: "module",
  runtime: "bun",
  manager: "bun",
  made: { by: "files", files },
  home: { start: "bun src/index.ts" },
  ...rest,
});

const manifest = (name: string, more: object): string =>
  json({
    name,
    version: "1.0.0",
    type: "module",
    module: "src/index.ts",
    scripts: { start: "bun src/index.ts" },
    ...more,
  });

export const BUN_MODULES: readonly App[] = [
  onBun({
    name: "lightningcss-dev",
    files: {
      "package.json": manifest("styles", { devDependencies: { lightningcss: "1.33.0" } }),
      "src/index.ts": `import { transform } from "lightningcss";

Bun.serve({
  port: Number(process.env.PORT ?? 3000),
  fetch() {
    const code = Buffer.from(".foo { color: rgb(255, 0, 0) }");
    const made = transform({ filename: "style.css", code, minify: true });
    return new Response(made.code);
  },
});
`,
    },
    asks: { path: "/", shows: ".foo{color:red}" },
  }),
  onBun({
    name: "bun-assets",
    files: {
      "package.json": manifest("board", { dependencies: { "web-tree-sitter": "0.27.2", eta: "4.6.0" } }),
      "views/page.eta": "<h1><%= it.title %></h1>\n",
      "data/words.txt": "gantry tower rocket\n",
      "src/counter.ts": `declare const self: Worker;
self.onmessage = ({ data }) => self.postMessage(String(data).trim().split(" ").length);
`,
      "src/index.ts": `import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Eta } from "eta";
import { Parser } from "web-tree-sitter";

const eta = new Eta({ views: join(import.meta.dir, "../views") });
const words = await readFile(new URL("../data/words.txt", import.meta.url), "utf8");
await Parser.init();

const count = (text: string) =>
  new Promise<number>((resolve) => {
    const worker = new Worker(new URL("./counter.ts", import.meta.url).href);
    worker.onmessage = ({ data }) => {
      resolve(data);
      worker.terminate();
    };
    worker.postMessage(text);
  });

Bun.serve({
  port: Number(process.env.PORT ?? 3000),
  async fetch() {
    const title = \`\${await count(words)} words, \${typeof new Parser().parse}\`;
    return new Response(eta.render("page", { title }));
  },
});
`,
    },
    asks: { path: "/", shows: "<h1>3 words, function</h1>" },
  }),
];
