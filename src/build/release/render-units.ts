/**
 * Renders the systemd files of a release from templates in gantry's systemd/. Every value is escaped for its position
 * (systemd.syntax(7), systemd.service(5) "command lines"), so that no setting can become unit syntax.
 */
import { type Manifest, NAMES, type Service } from "../../release/index.ts";
import { fillPlaces, plainWord, readTemplate } from "../template.ts";

/** Seconds. This is systemd's default for the time that a start may take. Here it is the minimum. */
const START_TIMEOUT = 90;
/** Lower ports need CAP_NET_BIND_SERVICE (ip(7), ip_unprivileged_port_start). */
const FIRST_UNPRIVILEGED_PORT = 1024;

/** Renders the files, by their path in the release. Empty for a target without systemd. */
export function renderUnits(
  manifest: Pick<Manifest, "binary" | "gantry" | "service">,
  base: string,
): Record<string, string> {
  const { service, binary } = manifest;
  if (service === undefined) return {};
  const places: [template: string, name: string][] = [
    ["app.service", `${binary}.service`],
    ["app.sysusers", `${binary}.sysusers`],
    ["local.conf", "local.conf"],
    ["airgapped.conf", "airgapped.conf"],
    ["backoff.conf", "backoff.conf"],
    ["README.md", "README.md"],
  ];
  if (service.port !== undefined) places.push(["app.socket", `${binary}.socket`]);
  const values = unitValues(manifest, service, base);
  return Object.fromEntries(
    places.map(([template, name]) => {
      const escaped = template === "app.sysusers" ? { ...values, DESCRIPTION: gecos(service) } : values;
      const text = fillPlaces(readTemplate(`systemd/${template}`), escaped, template);
      return [`${NAMES.systemd}/${name}`, text];
    }),
  );
}

function unitValues(
  manifest: Pick<Manifest, "binary" | "gantry">,
  service: Service,
  base: string,
): Record<string, string | undefined> {
  const { port } = service;
  const privileged = port !== undefined && port < FIRST_UNPRIVILEGED_PORT;
  return {
    BASE: plainWord(base),
    GANTRY: plainWord(manifest.gantry),
    BINARY: plainWord(manifest.binary),
    USER: service.user,
    DESCRIPTION: unitLine(service.description),
    TYPE: service.type,
    NOTIFY_ACCESS: service.type === "notify" ? "all" : undefined,
    ARGUMENTS: service.arguments.map((argument) => ` ${commandWord(argument)}`).join(""),
    PORT: port === undefined ? undefined : String(port),
    DIRECTORIES: service.directories.length === 0 ? undefined : service.directories.join(" "),
    MEMORY: service.memory,
    TASKS: String(service.tasks),
    CPU: service.cpu,
    OPEN_FILES: service.openFiles === undefined ? undefined : String(service.openFiles),
    WORKING_DIRECTORY:
      service.workingDirectory === "release" ? `/opt/${manifest.binary}/current` : `%S/${manifest.binary}`,
    ENVIRONMENT: environmentWords(service.environment ?? {}),
    START_TIMEOUT: String(Math.max(START_TIMEOUT, service.healthWindow)),
    EXPOSURE: service.exposure,
    // In a user namespace, the capability would not be valid for the host's ports.
    CAPABILITIES: privileged ? "CAP_NET_BIND_SERVICE" : "",
    PRIVATE_USERS: privileged ? "no" : "yes",
  };
}

/** Assignments for Environment=. Undefined when there are none. `$` has no meaning there (systemd.exec(5)). */
function environmentWords(variables: Readonly<Record<string, string>>): string | undefined {
  const words = Object.entries(variables).map(([name, value]) => {
    const escaped = `${name}=${value}`.replaceAll("\\", "\\\\").replaceAll('"', '\\"');
    return `"${escaped.replaceAll("%", "%%")}"`;
  });
  return words.length === 0 ? undefined : words.join(" ");
}

/** Escapes a text for a setting. `%` begins a specifier, and a backslash at the end would join the next line. */
function unitLine(text: string): string {
  return text.replaceAll("%", "%%").replace(/\\+$/, "").trim();
}

/** Escapes a word of a command line: specifiers, variables and escape sequences. Adds quotes when they are needed. */
function commandWord(word: string): string {
  if (/^[A-Za-z0-9_./:=,+-]+$/.test(word)) return word;
  const escaped = word.replaceAll("\\", "\\\\").replaceAll('"', '\\"');
  return `"${escaped.replaceAll("%", "%%").replaceAll("$", "$$$$")}"`;
}

/**
 * Escapes a description for the user's entry in passwd(5), where a colon ends a field and a comma ends the name.
 * sysusers.d(5) also expands specifiers and removes quotes and backslashes.
 */
function gecos({ description }: Service): string {
  return unitLine(description.replaceAll(/[:"\\,]/g, " "));
}
