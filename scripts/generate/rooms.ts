/** The rooms of src/ and the rooms that each may import, read from .oxlintrc.json. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { code, codes, table } from "./cells.ts";

interface Configuration {
  readonly overrides: readonly {
    readonly files: readonly string[];
    readonly rules: Readonly<Record<string, unknown>>;
  }[];
}

type Restriction = readonly [
  severity: string,
  { readonly patterns: readonly { readonly group?: readonly string[] }[] },
];

/** `["src/elf/**"]` is the rule of a room. The rules of its folders repeat it one level deeper. */
const ROOM = /^src\/([a-z]+)\/\*\*$/;
const DOOR = /^!\.\.\/(?:([a-z]+)\/(?:\*\.ts|index\.ts)|(index)\.ts)$/;

export function roomTable(root: string): string {
  const text = readFileSync(join(root, ".oxlintrc.json"), "utf8");
  const { overrides } = JSON.parse(text) as Configuration;
  const known = overrides.flatMap(({ files, rules }): [string, string[]][] => {
    const [, room] = ROOM.exec(files[0] ?? "") ?? [];
    const restriction = rules["no-restricted-imports"] as Restriction | undefined;
    if (room === undefined || files.length > 1 || restriction === undefined) return [];
    const doors = restriction[1].patterns.flatMap(({ group = [] }) =>
      group.map((pattern) => DOOR.exec(pattern)),
    );
    return [[room, doors.flatMap((door) => (door === null ? [] : [door[1] ?? `src/${door[2]}.ts`]))]];
  });
  const rows = known.map(([room, may]) => [code(`src/${room}`), may.length === 0 ? "none" : codes(may)]);
  return table(["room", "may import"], rows);
}
