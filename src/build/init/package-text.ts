/**
 * Adds settings to the text of a package.json. Everything else stays as it is, byte for byte: order, indentation, line
 * ends and lists on one line. Pure.
 */

/** A key of the settings, such as `service.port`, and its value. */
export interface Addition {
  readonly key: string;
  readonly value: unknown;
}

/**
 * Adds keys below `"gantry"`, at the end of each object. Keys that the text has are not changed.
 * @param text JSON whose root is an object
 */
export function addSettings(text: string, additions: readonly Addition[]): string {
  return additions.reduce((all, { key, value }) => add(all, ["gantry", ...key.split(".")], value), text);
}

function add(text: string, path: readonly string[], value: unknown): string {
  let at = text.indexOf("{");
  for (const [depth, key] of path.entries()) {
    const members = membersOf(text, at);
    const found = members.find((member) => member.key === key);
    if (found === undefined) {
      const nested = path.slice(depth + 1).reduceRight<unknown>((inner, name) => ({ [name]: inner }), value);
      return insert(text, at, members.at(-1)?.end, key, nested);
    }
    if (text[found.start] !== "{") return text;
    at = found.start;
  }
  return text;
}

/** @param last the end of the object's last member; undefined when it has none */
function insert(text: string, open: number, last: number | undefined, key: string, value: unknown): string {
  const close = endOf(text, open) - 1;
  const newline = text.includes("\r\n") ? "\r\n" : "\n";
  const unit = /\n([ \t]+)"/.exec(text)?.[1] ?? "  ";
  const own = /^[ \t]*/.exec(text.slice(text.lastIndexOf("\n", open) + 1))?.[0] ?? "";
  const broken = last === undefined ? text.includes("\n") : text.slice(open, close).includes("\n");
  const indent = broken ? own + unit : "";
  const json = broken
    ? JSON.stringify(value, null, unit).replaceAll("\n", newline + indent)
    : JSON.stringify(value);
  const member = `${broken ? newline : ""}${indent}${JSON.stringify(key)}:${broken ? " " : ""}${json}`;
  if (last !== undefined) return `${text.slice(0, last)},${member}${text.slice(last)}`;
  return `${text.slice(0, open + 1)}${member}${broken ? newline + own : ""}${text.slice(close)}`;
}

interface Member {
  readonly key: string;
  /** Where its value begins, and the position behind it. */
  readonly start: number;
  readonly end: number;
}

/** The members of the object that begins at a position. The text is valid JSON. */
function membersOf(text: string, open: number): Member[] {
  const members: Member[] = [];
  let at = skipSpace(text, open + 1);
  while (text[at] === '"') {
    const keyEnd = endOf(text, at);
    const start = skipSpace(text, skipSpace(text, keyEnd) + 1);
    const end = endOf(text, start);
    members.push({ key: JSON.parse(text.slice(at, keyEnd)) as string, start, end });
    at = skipSpace(text, end);
    if (text[at] === ",") at = skipSpace(text, at + 1);
  }
  return members;
}

/** The position behind the value that begins at a position. */
function endOf(text: string, start: number): number {
  const first = text[start];
  if (first === '"') {
    const [string = ""] = /^"(?:[^"\\]|\\.)*"/.exec(text.slice(start)) ?? [];
    return start + string.length;
  }
  if (first !== "{" && first !== "[") return start + (/^[^\s,\]}]*/.exec(text.slice(start))?.[0].length ?? 0);
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    const character = text[at] ?? "";
    if (character === '"') at = endOf(text, at) - 1;
    else if ("{[".includes(character)) depth += 1;
    else if ("}]".includes(character)) depth -= 1;
    if (depth === 0) return at + 1;
  }
  return text.length;
}

function skipSpace(text: string, from: number): number {
  return from + (/^\s*/.exec(text.slice(from))?.[0].length ?? 0);
}
