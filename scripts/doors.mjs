/**
 * An esbuild plugin that leads imports through a room's door (src/ROOM/index.ts) straight to the file behind it.
 * esbuild assigns whole files to its output files and follows every import of a door. Without this plugin, the file
 * that each start reads would contain code that only some commands need.
 */
import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

const IMPORT = /^import (type )?\{([^}]*)\} from "(\.[^"]*\/index\.ts)";$/gm;
const EXPORT = /^export (?:type )?\{([^}]*)\} from "(\.[^"]*)";$/gm;

/** Splits "a, type B" into a list. Doors never rename. @param {string} list */
const namesIn = (list) => list.split(",").flatMap((name) => name.trim() || []);

/** The file that each name of a door comes from. @param {string} door @returns {Map<string, string>} */
function readDoor(door) {
  const sources = new Map();
  for (const [, list = "", from = ""] of readFileSync(door, "utf8").matchAll(EXPORT))
    for (const name of namesIn(list)) sources.set(name.replace(/^type /, ""), join(dirname(door), from));
  return sources;
}

/** The text of a module, with each import of a door replaced by imports of its files. @param {string} file */
function withoutDoors(file) {
  const directory = dirname(file);
  return readFileSync(file, "utf8").replaceAll(IMPORT, (_, type = "", list = "", specifier = "") => {
    const door = join(directory, specifier);
    const sources = readDoor(door);
    return namesIn(list)
      .map((name) => {
        const from = sources.get(name.replace(/^type /, ""));
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
