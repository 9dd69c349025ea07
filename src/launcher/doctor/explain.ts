/** `./gantry doctor --explain FILE|-`: prints cause and fix for a message from a log or a terminal, for this host. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { explain, type Explanation } from "../../compat/index.ts";
import { GantryError } from "../../base/errors.ts";
import type { Scene } from "../../modules/index.ts";
import { printable, wrapText } from "../../base/text.ts";
import { readRegularText } from "../../base/files/index.ts";

/**
 * Reads a text and explains each known message in it.
 * @param source the path of a file, or `-` for standard input
 * @param directory the directory from which a relative path starts
 * @throws GantryError USAGE when the text has no known message
 */
export function explainSource(source: string, scene: Scene | undefined, directory: string): Explanation[] {
  const text = source === "-" ? readFileSync(0, "utf8") : readRegularText(resolve(directory, source));
  const facts = scene === undefined ? {} : { host: scene.host.facts, runtime: scene.runtime.facts };
  const found = explain(text, facts);
  if (found.length > 0) return found;
  throw new GantryError({
    code: "USAGE",
    what: "no message in this text is known",
    where: source === "-" ? "standard input" : source,
    fix: "paste the loader's or the runtime's own lines; ./gantry doctor without --explain looks at the modules",
  });
}

export function formatExplanations(explanations: readonly Explanation[], columns: number): string {
  const label = (name: string, text: string): string[] =>
    wrapText(printable(text), columns - 8).map(
      (line, index) => `  ${(index === 0 ? name : "").padEnd(6)}${line}`,
    );
  return explanations
    .flatMap(({ code, quote, cause, fix }) => [
      `${code}`,
      ...label("text", quote),
      ...label("cause", cause),
      ...label("fix", fix),
    ])
    .join("\n");
}
