/** hadolint's main rules for a rendered Dockerfile, and what it takes to read one: comments, continuations, stages. */

export interface Instruction {
  readonly name: string;
  readonly text: string;
  /** Counted from 0. */
  readonly stage: number;
}

export function parseDockerfile(text: string): Instruction[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "" && !line.trimStart().startsWith("#"));
  const whole: string[] = [];
  let open = false;
  for (const line of lines) {
    const part = line.replace(/\\$/, "").trim();
    if (open) whole[whole.length - 1] += ` ${part}`;
    else whole.push(part);
    open = line.endsWith("\\");
  }
  if (open) throw new Error("the last line continues");
  let stage = -1;
  return whole.map((line) => {
    const [, name = "", rest = ""] = /^([A-Z]+) (.*)$/.exec(line) ?? [];
    if (name === "") throw new Error(`no instruction: ${line}`);
    if (name === "FROM") stage += 1;
    return { name, text: rest, stage };
  });
}

/** What hadolint would say, by its rule numbers. */
export function brokenRules(text: string): string[] {
  const all = parseDockerfile(text);
  const broken: string[] = [];
  const check = (rule: string, good: boolean) => void (good || broken.push(rule));
  const args = new Map(
    all.filter(({ name, stage }) => name === "ARG" && stage === -1).map(({ text: t }) => splitOnce(t)),
  );
  const stages = new Set<string>();
  for (const { name, text: rest } of all) {
    if (name === "FROM") {
      const words = rest.split(" ");
      const flags = words.filter((word) => word.startsWith("--"));
      const [image = "", , alias] = words.slice(flags.length);
      const said = text.includes(`# hadolint ignore=DL3029\nFROM ${rest}\n`);
      check("DL3029 a platform only where it is meant", flags.length === 0 || said);
      check(
        "BuildKit's FromPlatformFlagConstDisallowed",
        flags.every((flag) => flag.includes("${")),
      );
      const named = image.replace(/^\$\{(\w+)\}$/, (_, key: string) => args.get(key) ?? "");
      check("DL3006 a tag", stages.has(named) || /[:@]/.test(named.split("/").at(-1) ?? ""));
      check("DL3007 not latest", !/:latest\b/.test(named));
      check("DL3024 stages have names of their own", alias === undefined || !stages.has(alias));
      if (alias !== undefined) stages.add(alias);
    }
    if (name === "WORKDIR") check("DL3000 WORKDIR is absolute", rest.startsWith("/"));
    if (name === "RUN") {
      check("DL3003 WORKDIR, not cd", !/(?:^|&& )cd /.test(rest));
      check("DL3004 no sudo", !/\bsudo\b/.test(rest));
      check("DL3018 pinned apk packages", !/apk add/.test(rest) || apkPackages(rest).every(isPinned));
      check("DL3019 no apk cache", !/apk add/.test(rest) || rest.includes("--no-cache"));
      check("DL3009 apt lists removed", !/apt-get/.test(rest) || rest.includes("rm -rf /var/lib/apt/lists"));
      check("DL4006 pipes fail", !/[^|]\|[^|]/.test(rest));
    }
    if (["CMD", "ENTRYPOINT"].includes(name)) check("DL3025 exec form", isWords(rest));
    if (name === "HEALTHCHECK")
      check("DL3025 exec form of HEALTHCHECK", isWords(rest.replace(/^.*? CMD /, "")));
    if (name === "COPY") check("DL3021 COPY to a directory", rest.endsWith("/"));
    check("DL3020 COPY, not ADD", name !== "ADD");
    check("DL4000 no MAINTAINER", name !== "MAINTAINER");
  }
  const last = all.at(-1)?.stage;
  const users = all
    .filter(({ name, stage }) => name === "USER" && stage === last)
    .map(({ text: user }) => user);
  const user = (users.at(-1) ?? "").replace(/^\$\{(\w+)\}$/, (_, key: string) => {
    const found = all.find(({ name, text: t }) => name === "ARG" && t.startsWith(`${key}=`));
    return found?.text.split("=")[1] ?? "";
  });
  check("DL3002 the last USER is not root", /^[1-9]\d*(?::\d+)?$/.test(user));
  for (const once of ["CMD", "ENTRYPOINT", "HEALTHCHECK"]) {
    check(`DL4003 one ${once}`, all.filter(({ name, stage }) => name === once && stage === last).length <= 1);
  }
  return broken;
}

function splitOnce(text: string): [string, string] {
  const at = text.indexOf("=");
  return at === -1 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

function apkPackages(command: string): string[] {
  const [, list = ""] = /apk add ([^&;]*)/.exec(command) ?? [];
  return list.split(" ").filter((word) => word !== "" && !word.startsWith("-"));
}

/** The C++ library comes from the release of Alpine that the base's tag names; Alpine keeps one version of it. */
function isPinned(name: string): boolean {
  return name.includes("=") || name === "libgcc" || name === "libstdc++";
}

/** A JSON array of strings. */
function isWords(text: string): boolean {
  try {
    const list = JSON.parse(text) as unknown;
    return Array.isArray(list) && list.every((word) => typeof word === "string");
  } catch {
    return false;
  }
}
