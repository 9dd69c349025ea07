/**
 * Recognises the messages that loaders, runtimes and shells print when a native module does not load, and gives cause
 * and fix of each for this host. Pure. Unknown text has no explanation.
 */
import type { ErrorCode } from "../base/errors.ts";
import { valueOf, type HostFacts, type RuntimeFacts } from "../host/index.ts";
import { installCommand, systemsWithGlibc } from "./system-packages.ts";
import { EXPLANATIONS, type ExplainWords } from "./explanations.ts";

/** What a message means, and what to do about it. */
export interface Explanation {
  readonly code: ErrorCode;
  /** The line that was recognised. */
  readonly quote: string;
  readonly cause: string;
  readonly fix: string;
}

/** The host and the runtime that the message comes from, where they are known. */
export interface ExplainFacts {
  readonly host?: HostFacts | undefined;
  readonly runtime?: RuntimeFacts | undefined;
}

/** Only this many characters at the end of a text are searched, because the newest lines are at the end. */
const LONGEST = 1 << 20;

/**
 * Explains the messages in a text, in its order: one explanation for all messages with the same cause and fix. Empty
 * when nothing is recognised.
 */
export function explain(text: string, facts: ExplainFacts = {}): Explanation[] {
  const words = wordsFor(facts);
  const found: Explanation[] = [];
  for (const quote of text
    .slice(-LONGEST)
    .split("\n")
    .map((line) => line.trim())) {
    if (quote === "") continue;
    for (const row of EXPLANATIONS) {
      const match = row.pattern.exec(quote);
      if (match === null) continue;
      const parts = match.slice(1).map((part) => part ?? "");
      const explanation = { code: row.code, quote, ...row.explain(parts, words) };
      if (!found.some(({ cause, fix }) => cause === explanation.cause && fix === explanation.fix))
        found.push(explanation);
      break;
    }
  }
  return found;
}

function wordsFor({ host, runtime }: ExplainFacts): ExplainWords {
  const arch = host === undefined ? undefined : valueOf(host.arch);
  const libc = host === undefined ? undefined : valueOf(host.libc);
  const version = runtime === undefined ? undefined : valueOf(runtime.version);
  const abi = runtime === undefined ? undefined : valueOf(runtime.abi);
  const kind = runtime === undefined || runtime.kind === "unknown" ? "the runtime" : runtime.kind;
  return {
    here: `Linux${arch === undefined ? "" : ` ${arch}`}${libc === undefined ? "" : ` with ${libc.family} ${libc.version}`}`,
    platform:
      arch === undefined || libc === undefined
        ? undefined
        : `linux-${arch}-${libc.family === "glibc" ? "gnu" : "musl"}`,
    libc: libc === undefined ? undefined : `${libc.family} ${libc.version}`,
    runtime: version === undefined ? kind : `${kind} ${version}`,
    abi: abi === undefined ? "another one" : String(abi),
    install: (library) =>
      host === undefined ? `install the package that contains ${library}` : installCommand(library, host),
    glibcSystems: (wanted) => systemsWithGlibc(wanted) ?? "a newer release of the distribution",
  };
}
