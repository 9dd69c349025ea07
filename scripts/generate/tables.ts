/**
 * The generated parts of the guides, by the name in the comments around them:
 * `<!-- errors: begin -->` and `<!-- errors: end -->`.
 */
import { ERRORS } from "../../src/base/error-table.ts";
import { formatVariableTables } from "../../src/base/variable-texts.ts";
import { TARGETS, targetSuffix } from "../../src/release/index.ts";
import { code, codes, table } from "./cells.ts";
import { buildingReference, commandTable, hostingReference } from "./commands.ts";
import { roomTable } from "./rooms.ts";
import { appSettings, buildSettings, serviceSettings, smokeSettings } from "./settings.ts";

export const TABLES: Readonly<Record<string, (root: string) => string>> = {
  commands: commandTable,
  building: buildingReference,
  hosting: hostingReference,
  settings: appSettings,
  "build-settings": buildSettings,
  "service-settings": serviceSettings,
  "smoke-settings": smokeSettings,
  targets: targetTable,
  exits: exitTable,
  errors: errorTable,
  rooms: roomTable,
  variables: formatVariableTables,
};

/**
 * The page with its tables generated anew.
 * @param root the repository's
 */
export function fillPage(text: string, root: string): string {
  return text.replaceAll(
    /(<!-- ([a-z-]+): begin -->\n)[\s\S]*?(<!-- \2: end -->)/g,
    (_, begin: string, name: string, end: string) => {
      const make = TABLES[name];
      if (make === undefined) throw new TypeError(`there is no table "${name}"`);
      return `${begin}${make(root)}\n${end}`;
    },
  );
}

/** Names of exit codes in sysexits.h. */
const NAMES: Readonly<Record<number, string>> = {
  64: "USAGE",
  65: "DATAERR",
  66: "NOINPUT",
  69: "UNAVAILABLE",
  70: "SOFTWARE",
  71: "OSERR",
  73: "CANTCREAT",
  74: "IOERR",
  75: "TEMPFAIL",
  77: "NOPERM",
  78: "CONFIG",
};

function exitTable(): string {
  const exits = [...new Set(Object.values(ERRORS).map(({ exit }) => exit))].toSorted((a, b) => a - b);
  const rows = exits.map((exit) => {
    const named = Object.entries(ERRORS).flatMap(([name, row]) => (row.exit === exit ? [name] : []));
    return [String(exit), NAMES[exit] ?? "", codes(named)];
  });
  return table(["exit", "name", "codes"], rows);
}

function errorTable(): string {
  const rows = Object.entries(ERRORS).map(([name, { exit, summary, fix }]) => [
    code(name),
    String(exit),
    summary,
    fix,
  ]);
  return table(["code", "exit", "means", "fix, where the message knows no better"], rows);
}

function targetTable(): string {
  const rows = TARGETS.map((target) => {
    const libc = target.libc === undefined ? "" : target.libc === "gnu" ? "glibc" : "musl";
    const machines = codes(target.machines);
    return [
      code(target.name),
      libc,
      machines,
      code(target.interpreter),
      code(`NAME-vVERSION-${targetSuffix(target)}`),
    ];
  });
  return table(["target", "C library", "`uname -m`", "loader", "release"], rows);
}
