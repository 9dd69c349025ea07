import { describe, expect, it } from "vitest";
import { parseCompileCommand, parseStartCommand } from "../../../../src/build/clues/start-command.ts";

const SCRIPTS = {
  "start:prod": "node dist/main",
  serve: "bun src/serve.ts",
  loop: "npm run loop",
  "build:ui": "vite build",
};
const node = (file: string, ...args: string[]) => ({ runtime: "node", file, arguments: args });
const bun = (file: string, ...args: string[]) => ({ runtime: "bun", file, arguments: args });
const program = (name: string, ...args: string[]) => ({ runtime: "node", program: name, arguments: args });

describe("parseStartCommand", () => {
  const cases: [command: string, expected: object | undefined][] = [
    ["node ./bin/www", node("./bin/www")],
    ["NODE_ENV=production node dist/main --port 3000", node("dist/main", "--port", "3000")],
    ["cross-env NODE_ENV=production node --enable-source-maps -r dotenv/config dist/a.js", node("dist/a.js")],
    ["node --env-file=.env --import ./instrument.mjs server.mjs", node("server.mjs")],
    ["npm run build && node .", node(".")],
    ["exec node index.js", node("index.js")],
    ["dotenv -e .env.local -- node index.js", node("index.js")],
    ["npx tsx watch src/index.ts", node("src/index.ts")],
    ["nodemon -w src app.js", node("app.js")],
    ["nodemon -w src --exec 'tsx src/app.ts'", node("src/app.ts")],
    ["pm2-runtime start app.js", node("app.js")],
    ["npm run start:prod", node("dist/main")],
    ["yarn start:prod", node("dist/main")],
    ["pnpm run -s start:prod", node("dist/main")],
    ["bun run src/index.ts", bun("src/index.ts")],
    ["bun --hot run src/index.ts serve", bun("src/index.ts", "serve")],
    ["bun run serve", bun("src/serve.ts")],
    ["bun run start:prod", node("dist/main")],
    ["bun --bun run start:prod", bun("dist/main")],
    ["next start", program("next", "start")],
    ["react-router-serve ./build/server/index.js", program("react-router-serve", "./build/server/index.js")],
    ["yarn strapi start", program("strapi", "start")],
    ["next start -p $PORT", program("next")],
    ["npm run loop", undefined],
    ["node server.js | pino-pretty", undefined],
    ["docker compose up", undefined],
    ["deno run main.ts", undefined],
    ["", undefined],
  ];

  it.each(cases)("%s", (command, expected) => {
    expect(parseStartCommand(command, SCRIPTS)).toEqual(expected);
  });
});

it("finds what bun build compiles", () => {
  const commands: [command: string, file: string | undefined, binary?: string][] = [
    ["bun build ./src/index.ts --compile --outfile bin/app", "./src/index.ts", "app"],
    ["rm -rf out && bun build --compile --minify src/cli.ts --outfile=out/cli", "src/cli.ts", "cli"],
    ["NODE_ENV=production bunx bun build --compile --target=bun-linux-x64 a.tsx", "a.tsx"],
    ["bun build ./src/index.ts --outdir dist", undefined],
    ["tsc --compile src/a.ts", undefined],
  ];
  expect(commands.map(([command]) => parseCompileCommand(command))).toEqual(
    commands.map(([, file, binary]) => (file === undefined ? undefined : { file, binary })),
  );
});
