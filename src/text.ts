/** Laying out text for people: foreign text made harmless, long text broken at blanks. Pure. */

/** Replaces control characters, so that no file's or server's text can steer a terminal. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, "\u{fffd}");
}

/** Breaks at blanks; a word longer than a line is cut, because mangled names run to thousands of letters. */
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
