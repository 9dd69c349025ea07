/** docs/APPS.md, from the table of apps and their results. Pure. */
import type { App } from "../../test/apps/app.ts";
import type { Result } from "./results.ts";

const STAGES = ["nothing", "made", "built", "ran", "offline"] as const;

const mark = (result: Result, stage: (typeof STAGES)[number]): string => {
  if (STAGES.indexOf(result.reached) >= STAGES.indexOf(stage)) return "yes";
  return STAGES.indexOf(result.reached) === STAGES.indexOf(stage) - 1 ? "**no**" : "";
};

const megabytes = (bytes: number | undefined): string =>
  bytes === undefined ? "" : (bytes / 1e6).toFixed(0);

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll(/\s+/g, " ");

/** The words that say what an app is at exactly which version. */
function describeApp({ name, made }: App): string {
  return made.by === "files" ? name : made.spec;
}

/** One row of the table. */
export function formatRow(app: App, result: Result): string {
  const { bytes, start } = result;
  const cells = [
    describeApp(app),
    `${app.runtime}, ${app.manager}`,
    mark(result, "built"),
    mark(result, "ran"),
    mark(result, "offline"),
    bytes === undefined ? "" : `${megabytes(bytes.release)} / ${megabytes(bytes.plain)} MB`,
    start === undefined ? "" : `${start.release} / ${start.plain ?? "?"} ms`,
  ];
  return `| ${cells.map(cell).join(" | ")} |`;
}

const HEAD =
  "| app | runtime, lock | built | ran | offline | size | start |\n| --- | --- | --- | --- | --- | --- | --- |";

const TITLES = {
  server: "Whole servers, their published package as the app",
  generator: "Made by generators",
  starter: "Documented starters, written out",
  module: "Services around one module",
} as const;

/** All of the page. Apps without a result are named as not yet tried. */
export function formatApps(apps: readonly App[], results: readonly Result[]): string {
  const of = (app: App) => results.find(({ name }) => name === app.name);
  const tried = apps.filter((app) => of(app) !== undefined);
  const through = results.filter(({ reached }) => reached === "offline").length;
  const sections = Object.entries(TITLES).map(([group, title]) => {
    const rows = apps
      .filter((app) => app.group === group)
      .map((app) => {
        const result = of(app);
        return result === undefined
          ? `| ${describeApp(app)} | ${app.runtime}, ${app.manager} | not tried | | | | |`
          : formatRow(app, result);
      });
    return `## ${title}\n\n${HEAD}\n${rows.join("\n")}\n`;
  });
  const failures = apps.flatMap((app) => {
    const message = of(app)?.message;
    return message === undefined ? [] : [`- ${app.name}: ${cell(message)}`];
  });
  const wayOf = results.some(({ init }) => !init)
    ? "Some were built before there was `gantry init`: without any settings."
    : "Each was built with the settings that `gantry init --yes` writes, and nothing else.";
  return `# Public apps

${through} of the ${tried.length} apps tried become a release that starts, answers, and starts again from its own bundle without a
network; the table has ${apps.length}. ${wayOf}

\`npm run apps\` makes each app at the version named in \`test/apps\`, builds it, starts the release in an empty directory,
and asks it something that needs its native module. It writes this page; \`npm run apps -- NAME\` renews one row.

Sizes are the prepared release against a plain copy: the app's directory with node_modules, and a runtime. Starts are
until the port takes a connection: the release's second start against the plain copy's, one measurement each.

${sections.join("\n")}
## What stopped the others

In the words of the build, or of the app:

${failures.length === 0 ? "Nothing did." : failures.join("\n")}
`;
}
