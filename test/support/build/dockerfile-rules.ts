/**
 * hadolint's rules for a rendered Dockerfile, as far as one of gantry's could break them (numbers and meaning are those of
 * hadolint 2.15), and what it takes to read one: comments, continuations, stages. hadolint itself comes as a download.
 */

export interface Instruction {
  readonly name: string;
  readonly text: string;
  /** Counted from 0; the ARGs before the first FROM are in -1. */
  readonly stage: number;
  /** Rules that a comment right above it switches off. */
  readonly ignored: readonly string[];
}

const IGNORE = /^# hadolint ignore=([A-Z0-9,]+)$/;

export function parseDockerfile(text: string): Instruction[] {
  const found: { line: string; ignored: readonly string[] }[] = [];
  let open = false;
  let ignored: readonly string[] = [];
  for (const line of text.split("\n")) {
    if (line.trim() === "") continue;
    if (line.trimStart().startsWith("#")) {
      ignored = IGNORE.exec(line)?.[1]?.split(",") ?? [];
      continue;
    }
    const part = line.replace(/\\$/, "").trim();
    const last = found.at(-1);
    if (open && last !== undefined) last.line += ` ${part}`;
    else found.push({ line: part, ignored });
    ignored = [];
    open = line.endsWith("\\");
  }
  if (open) throw new Error("the last line continues");
  let stage = -1;
  return found.map((one) => {
    const [, name = "", rest = ""] = /^([A-Z]+) (.*)$/.exec(one.line) ?? [];
    if (name === "") throw new Error(`no instruction: ${one.line}`);
    if (name === "FROM") stage += 1;
    return { name, text: rest, stage, ignored: one.ignored };
  });
}

/** What hadolint would say, by its rule numbers. */
export function brokenRules(text: string): string[] {
  const all = parseDockerfile(text);
  const broken: string[] = [];
  const check = (one: Instruction, rule: string, good: boolean) => {
    if (!good && !one.ignored.includes(rule)) broken.push(rule);
  };
  all.forEach((one, at) => {
    check(one, "DL3061", one.stage >= 0 || one.name === "ARG");
    for (const [rule, good] of judge(one, all, at)) check(one, rule, good);
  });
  const last = all.at(-1)?.stage;
  const final = all.filter(({ stage }) => stage === last);
  const user = final.findLast(({ name }) => name === "USER");
  if (user === undefined) broken.push("DL3002");
  else {
    check(user, "DL3002", !/^(?:0|root)(?::|$)/.test(resolveArgument(user.text, final)));
    check(user, "DL3066", /^\d+(?::|$)/.test(user.text));
  }
  for (const [name, rule] of [
    ["CMD", "DL4003"],
    ["ENTRYPOINT", "DL4004"],
    ["HEALTHCHECK", "DL3012"],
  ] as const) {
    if (final.filter((one) => one.name === name).length > 1) broken.push(rule);
  }
  return broken;
}

type Verdict = readonly [rule: string, good: boolean];

function judge(one: Instruction, all: readonly Instruction[], at: number): Verdict[] {
  const { name, text } = one;
  const before = all.slice(0, at);
  const earlier = new Set(before.flatMap(aliasOf));
  switch (name) {
    case "FROM":
      return judgeFrom(one, before, earlier);
    case "RUN":
      return judgeRun(one, before.at(-1));
    case "COPY":
      return judgeCopy(one, before, earlier);
    case "WORKDIR":
      return [["DL3000", text.startsWith("/")]];
    case "CMD":
    case "ENTRYPOINT":
      return [["DL3025", isWords(text)]];
    case "HEALTHCHECK":
      return [["DL3025", isWords(text.replace(/^.*? CMD /, ""))]];
    case "EXPOSE":
      return [["DL3011", Number(text.split("/")[0]) <= 65_535]];
    case "LABEL":
      return [["DL3048", keysOf(text).every((key) => /^[a-z](?:[a-z0-9]|[.-](?![.-]))*[a-z0-9]$/.test(key))]];
    case "ENV":
      return [
        ["DL3044", keysOf(text).every((key) => !text.includes(`\${${key}}`) && !text.includes(`$${key}`))],
        ["DL3064", keysOf(text).every((key) => !SENSITIVE.test(key))],
      ];
    case "ARG":
      return [["DL3064", !SENSITIVE.test(text.split("=")[0] ?? "")]];
    default:
      return [
        ["DL3020", name !== "ADD"],
        ["DL4000", name !== "MAINTAINER"],
      ];
  }
}

const SENSITIVE = /api_key|client_key|password|private|secret|token|username/i;

function judgeFrom({ text }: Instruction, before: readonly Instruction[], earlier: Set<string>): Verdict[] {
  const words = text.split(" ");
  const platform = words.find((word) => word.startsWith("--platform="));
  const named = resolveArgument(words.find((word) => !word.startsWith("--")) ?? "", before);
  const alias = / AS (\S+)$/.exec(text)?.[1];
  return [
    ["DL3006", earlier.has(named) || /[:@]/.test(named.split("/").at(-1) ?? "")],
    ["DL3007", !/:latest\b/.test(named)],
    ["DL3024", alias === undefined || !earlier.has(alias)],
    ["DL3029", platform === undefined],
    // BuildKit's own check.
    ["FromPlatformFlagConstDisallowed", platform === undefined || platform.includes("${")],
  ];
}

function judgeRun({ text }: Instruction, previous: Instruction | undefined): Verdict[] {
  const repeats =
    previous?.name === "RUN" &&
    flagsOf(previous.text) === flagsOf(text) &&
    commands(text) <= 2 &&
    commands(previous.text) <= 2;
  return [
    ["DL3001", !/(?:^|&& |; )(?:ssh|vim|shutdown|service|ps|free|top|kill|mount)\b/.test(text)],
    ["DL3003", !/(?:^|&& |; )cd /.test(text)],
    ["DL3004", !/\bsudo\b/.test(text)],
    ["DL3018", apkPackages(text).every((word) => /[=~]/.test(word))],
    ["DL3019", !/apk add/.test(text) || text.includes("--no-cache")],
    ["DL3008", !/apt-get install/.test(text) || /apt-get install (?:-\S+ )*\S+=/.test(text)],
    ["DL3014", !/apt-get install/.test(text) || / -y /.test(text)],
    ["DL3015", !/apt-get install/.test(text) || text.includes("--no-install-recommends")],
    ["DL3009", !/apt-get/.test(text) || text.includes("rm -rf /var/lib/apt/lists")],
    ["DL3059", !repeats],
    ["DL4006", isWords(text) || !/[^|]\|[^|]/.test(text)],
  ];
}

function judgeCopy(one: Instruction, before: readonly Instruction[], earlier: Set<string>): Verdict[] {
  const words = one.text.split(" ");
  const [source = "", target = "", more] = words.filter((word) => !word.startsWith("--"));
  const from = /--from=(\S+)/.exec(one.text)?.[1];
  const placed = before.some(({ name, stage }) => name === "WORKDIR" && stage === one.stage);
  return [
    ["DL3021", more === undefined || more.endsWith("/")],
    ["DL3022", from === undefined || earlier.has(from)],
    ["DL3045", target.startsWith("/") || placed],
    ["DL3067", !(from !== undefined && source === "/" && target === "/")],
    ["DL4007", source !== "." && source !== "./"],
  ];
}

function aliasOf({ name, text }: Instruction): string[] {
  const alias = name === "FROM" ? / AS (\S+)$/.exec(text)?.[1] : undefined;
  return alias === undefined ? [] : [alias];
}

/** `${NAME}` by the default of the ARG that was there before. */
function resolveArgument(text: string, before: readonly Instruction[]): string {
  return text.replace(/^\$\{(\w+)\}$/, (_, key: string) => {
    const found = before.find(({ name, text: argument }) => name === "ARG" && argument.startsWith(`${key}=`));
    return found?.text.slice(key.length + 1) ?? "";
  });
}

function keysOf(pairs: string): string[] {
  return [...pairs.matchAll(/([^\s="]+)=(?:"(?:\\.|[^"\\])*"|\S*)/g)].map(([, key = ""]) => key);
}

function flagsOf(text: string): string | undefined {
  return text.match(/^(?:--\S+ )*/)?.[0];
}

function commands(text: string): number {
  return isWords(text) ? 1 : text.split(/&&|;|\|\|/).length;
}

function apkPackages(command: string): string[] {
  const [, list = ""] = /apk add ([^&;]*)/.exec(command) ?? [];
  return list.split(" ").filter((word) => word !== "" && !word.startsWith("-"));
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
