/**
 * Leads imports through a room's door (src/ROOM/index.ts) straight to the file behind it. A door imports its whole room:
 * without this, `gantry check` would load the files of every command, and the file of the launcher that each start reads
 * would contain code that only some commands need, because esbuild assigns whole files to its output files.
 */
import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

const IMPORT = /^import (type )?\{([^}]*)\} from "(\.[^"]*\/index\.[jt]s)";$/gm;
const EXPORT = /^export (?:type )?\{([^}]*)\} from "(\.[^"]*)";$/gm;

const OWN = /^export (?:async )?(?:function|const|class) (\w+)/gm;
const DOOR = /\/index\.[jt]s$/;

/** Splits "a, type B" into a list. Doors never rename. @param {string} list */
const namesIn = (list) => list.split(",").flatMap((name) => name.trim() || []);

/** The file that each name of a door comes from: the door itself for its own. @param {string} door @returns {Map<string, string>} */
function readDoor(door) {
  const text = readFileSync(door, "utf8");
  const sources = new Map();
  for (const [, name = ""] of text.matchAll(OWN)) sources.set(name, door);
  for (const [, list = "", from = ""] of text.matchAll(EXPORT)) {
    const file = join(dirname(door), from);
    const deeper = DOOR.test(file) ? readDoor(file) : undefined;
    for (const name of namesIn(list).map((each) => each.replace(/^type /, "")))
      sources.set(name, deeper?.get(name) ?? file);
  }
  return sources;
}

/** The text of a module, with each import of a door replaced by imports of its files. @param {string} file */
export function withoutDoors(file) {
  const directory = dirname(file);
  return readFileSync(file, "utf8").replaceAll(IMPORT, (_, type = "", list = "", specifier = "") => {
    const door = join(directory, specifier);
    const sources = readDoor(door);
    return namesIn(list)
      .map((name) => {
        const from = sources.get(name.replace(/^type /, "").replace(/ as .*/, ""));
        if (from === undefined) throw new Error(`${file} imports ${name}, which ${door} does not export`);
        return `import ${type}{ ${name} } from "./${relative(directory, from)}";`;
      })
      .join(" ");
  });
}

/** @type {import("esbuild").Plugin} */
export const doorsPlugin = {
  name: "doors",
  setup: ({ onLoad }) => {
    onLoad({ filter: /\/src\/.*\.ts$/, namespace: "file" }, ({ path }) => ({
      contents: withoutDoors(path),
      loader: "ts",
    }));
  },
};
