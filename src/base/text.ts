/** Formats text for people: sizes, counts, foreign text without control characters, long text in lines. Pure. */

/**
 * Characters that control a terminal or change the order of shown text: the control characters C0, DEL and C1, the
 * separators of lines and paragraphs, and the controls of text direction (Unicode TR 9: embeddings, overrides and
 * isolates).
 */
const STEERING = String.raw`\p{Cc}\u2028-\u202e\u2066-\u2069`;
const ALL_STEERING = new RegExp(`[${STEERING}]`, "gu");
/** Matches the same, except line feeds, tabs, and gantry's own colours (ECMA-48, SGR). */
const COLOURED = new RegExp(`(\\x1b\\[(?:0|1|2|4|22|24|3[0-79]|9[0-7])m)|(?![\\n\\t])[${STEERING}]`, "gu");

/** Text from elsewhere as one line: each of these characters is replaced by U+FFFD. */
export function printable(text: string): string {
  return text.replace(ALL_STEERING, "\u{fffd}");
}

/**
 * Text of several lines: each of these characters except line feeds and tabs is replaced by U+FFFD. gantry's own
 * colours stay for `coloured`, and are removed for `plain`. Called right before each write.
 */
export function printableLines(text: string, colour: "plain" | "coloured"): string {
  return text.replace(COLOURED, (_, paint: string | undefined) =>
    paint === undefined ? "\u{fffd}" : colour === "coloured" ? paint : "",
  );
}

const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** JSON in which these characters are escapes, so that it is safe on a terminal and no value is changed. */
export function jsonText(value: unknown, indent = 2): string {
  return JSON.stringify(value, null, indent).replace(ALL_STEERING, (character) =>
    character === "\n" ? character : escaped(character),
  );
}

/** Quotes a word for a command line that people copy into a POSIX shell. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** Bytes in decimal units: `13.2 MB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${(bytes / 1000).toFixed(1)} kB`;
  if (bytes < 1_000_000_000) return `${(bytes / 1_000_000).toFixed(1)} MB`;
  return `${(bytes / 1_000_000_000).toFixed(1)} GB`;
}

/** A number with its noun: `1 file`, `2 files`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** Breaks text into lines at blanks. A word longer than a line is cut: mangled names have thousands of letters. */
export function wrapText(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text
    .split(" ")
    .map((long) => (long.length > width ? `${long.slice(0, width - 1)}…` : long))) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = "";
    }
    line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
