/**
 * Renders the texts of an image from templates/docker/: Dockerfile, .dockerignore and their companions. Every value is
 * quoted for its position, so that no setting becomes an instruction. Pure.
 */
import { packagesOf, packagesOfProgram } from "../../compat/index.ts";
import { GantryError } from "../../base/errors.ts";
import { type Manifest, NAMES, parseTarget, programPath } from "../../release/index.ts";
import { plainWord, renderTemplate } from "../template.ts";
import type { Bases, Strategy } from "./strategy.ts";

export interface ImageOptions {
  readonly strategy: Strategy;
  readonly manifest: Manifest;
  readonly bases: Bases;
  /** The release's path in the build context, with forward slashes. */
  readonly release: string;
  readonly compose: "with compose" | "without compose";
}

/**
 * Matches the mark in the first line of every file that gantry docker writes. Only files with this mark are replaced.
 */
export const MARK = /\bgantry \S+ docker\b/;

/** Renders the files, by their names in the build context. */
export function renderImage(options: ImageOptions): Record<string, string> {
  const { strategy, compose } = options;
  const values = imageValues(options);
  const render = (name: string, more: Values = {}) =>
    renderTemplate(`templates/docker/${name}`, { ...values, ...more });
  const { addon } = options.bases;
  return {
    Dockerfile: render(`${strategy}.Dockerfile`),
    ".dockerignore": render("dockerignore"),
    ...(compose === "with compose" ? { "compose.yaml": render("compose") } : {}),
    ...(addon === undefined
      ? {}
      : {
          "config.yaml": render("addon-config"),
          [`Dockerfile.${addonArch(options.manifest)}`]: render("node-alpine.Dockerfile", addonImage(addon)),
        }),
  };
}

type Values = Readonly<Record<string, string | undefined>>;

/**
 * Values for Home Assistant. Its Supervisor uses Dockerfile.ARCH rather than Dockerfile, and keeps only /data between
 * starts.
 */
function addonImage(base: string): Values {
  const [name, digest] = base.split("@", 2);
  const pin = `Not pinned, and tags move: docker buildx imagetools inspect ${name} tells today's digest.`;
  return {
    ...baseValues(base, digest),
    PIN: digest === undefined ? pin : undefined,
    RUN_AS: "0:0",
    STATE: "/data",
    ABOUT: "about-addon",
  };
}

/**
 * The name and tag of a release's image, such as `test-brain:0.1.0`. Both allow fewer characters than npm's names and
 * versions.
 */
export function imageTag({ name, version }: Pick<Manifest, "name" | "version">): string {
  return `${slug(name)}:${tagOf(version)}`;
}

function tagOf(version: string): string {
  return version.replaceAll(/[^A-Za-z0-9_.-]/g, "_");
}

/** The platform of a release, as the OCI image specification and Go spell it. */
export function imagePlatform({ target }: Pick<Manifest, "target">): string {
  return parseTarget(target).arch === "x64" ? "linux/amd64" : "linux/arm64";
}

function slug(name: string): string {
  const plain = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]/g, "-")
    .replaceAll(/[._-]{2,}/g, "-");
  return plain.replaceAll(/^[^a-z0-9]+|[^a-z0-9]+$/g, "") || "app";
}

function imageValues(options: ImageOptions): Values {
  const { manifest, bases, strategy } = options;
  const { name, version, service } = manifest;
  const binary = plainWord(manifest.binary);
  const { base, builder, digest } = bases;
  return {
    ...baseValues(base.image, digest),
    ...packageValues(manifest),
    ...places(binary, strategy),
    ...programs(manifest, `/opt/${binary}`),
    ...servedValues(options),
    ...addonValues(manifest),
    NAME: `${oneLine(name)} ${oneLine(version)}`,
    TITLE: quoted(name),
    VERSION: quoted(version),
    DESCRIPTION: quoted(service?.description ?? name),
    TARGET: manifest.target,
    PLATFORM: imagePlatform(manifest),
    GANTRY: plainWord(manifest.gantry),
    BINARY: binary,
    RELEASE: plainPath(options.release),
    IMAGE: imageTag(manifest),
    SERVICE: slug(binary),
    BUILDER: builder.image,
    OFFLINE: strategy === "vendored" ? " --offline" : "",
    NO_VENDOR: strategy === "lazy" || strategy === "runtime" ? NAMES.vendor : undefined,
    // Node is the largest part of an image and seldom changes, so it is in the same layer as the modules.
    RUNTIME: manifest.runtime.kind === "node" && !manifest.runtime.system ? NAMES.node : undefined,
    LINK: strategy === "static-base" && manifest.runtime.kind === "bun" ? binary : undefined,
  };
}

/** Seconds that a start may take, and that a start may take which first installs the modules. */
const START = 30;
const FIRST_START = 300;

/**
 * Installs the libraries that Bun's musl build and modules in C++ need, and that Alpine does not have. A base without
 * apk needs no Alpine packages: if libraries are missing, the release's own script says which.
 */
const muslPackages = (more: readonly string[]): string =>
  `if command -v apk >/dev/null; then apk add --no-cache ${["libgcc", "libstdc++", ...more].join(" ")}; fi`;
const UNPINNED =
  "No versions: a release of Alpine keeps only the newest build of a package, so one named here would soon be gone.";
const UNPINNED_DEBIAN =
  "No versions: Debian's mirrors keep only the newest build of a package. A base that has these libraries needs no network.";

function packageValues(manifest: Manifest): Values {
  const called = manifest.programs ?? [];
  if (parseTarget(manifest.target).libc === "musl") {
    const packages = called.map((program) => packagesOfProgram(program).alpine);
    return { ADD_PACKAGES: muslPackages(packages), ADD_NOTE: UNPINNED, ADD_RULE: "DL3018", ...NO_LIBRARIES };
  }
  const missing = missingLibraries(manifest);
  if (missing.length === 0 && called.length === 0)
    return { ADD_PACKAGES: undefined, ADD_NOTE: undefined, ADD_RULE: undefined, ...NO_LIBRARIES };
  const files = missing.map(({ file }) => file);
  const packages = called.map((program) => packagesOfProgram(program).debian);
  const names = [...new Set([...missing.map(({ name }) => name), ...packages])].join(" ");
  const there = [
    ...files.map((file) => `[ -e ${file} ]`),
    ...called.map((program) => `command -v ${program} >/dev/null`),
  ].join(" && ");
  const install = `apt-get update && apt-get install -y --no-install-recommends ${names} && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log`;
  return {
    ADD_PACKAGES: `if command -v apt-get >/dev/null && ! { ${there}; }; then ${install}; fi`,
    ADD_NOTE: UNPINNED_DEBIAN,
    ADD_RULE: "DL3008",
    ...(missing.length === 0 ? NO_LIBRARIES : { LIBRARY_FILES: files.join(" "), LIBRARIES: "libraries" }),
  };
}

const NO_LIBRARIES = { LIBRARY_FILES: undefined, LIBRARIES: undefined };

/**
 * The libraries that a release needs in addition to the C++ library, which every proposed base has: libatomic for Node
 * 26, and those of its modules.
 */
function missingLibraries({ target, requires }: Manifest): readonly { name: string; file: string }[] {
  const directory = `/usr/lib/${parseTarget(target).arch === "x64" ? "x86_64" : "aarch64"}-linux-gnu`;
  return (requires?.libraries ?? []).flatMap(({ value }) => {
    const name = packagesOf(value)?.debian;
    if (name === undefined || name === "" || /^lib(?:stdc\+\+|gcc_s)\.so/.test(value)) return [];
    return [{ name, file: `${directory}/${value}` }];
  });
}

const UNNAMED =
  "Not pinned, and tags move: gantry docker --pin names it by today's digest, --base NAME:TAG@sha256:… by another.";

function baseValues(image: string, digest: string | undefined): Values {
  return {
    BASE: image,
    BASE_NAME: quoted(image.split("@", 1)[0] ?? ""),
    BASE_DIGEST: digest === undefined ? undefined : quoted(digest),
    PIN: digest === undefined ? UNNAMED : undefined,
  };
}

function places(binary: string, strategy: Strategy): Record<string, string | undefined> {
  const cache = `/var/cache/${binary}`;
  return {
    ROOT: `/opt/${binary}`,
    STATE: `/var/lib/${binary}`,
    CACHE: cache,
    CACHE_VOLUME: strategy === "lazy" ? cache : undefined,
  };
}

/** The commands that start the app and the launcher without a shell, as words of an exec form. */
function programs(manifest: Manifest, root: string): Record<string, string> {
  const { runtime, binary } = manifest;
  const program = `${root}/${programPath(manifest) ?? NAMES.node}`;
  if (runtime.kind === "bun") {
    // When the compiled app is called by the path lib/gantry, it runs the management commands
    // (src/build/compile/prelude/launch.ts).
    return {
      PROGRAM: words([`${root}/${NAMES.lib}/${binary}`]),
      LAUNCHER: words([`${root}/${NAMES.link}`]),
    };
  }
  return {
    PROGRAM: words([program, "--require", `${root}/${NAMES.preload}`, `${root}/${runtime.entry}`]),
    LAUNCHER: words([program, `${root}/${NAMES.launcher}`]),
  };
}

function servedValues({ manifest, strategy }: ImageOptions): Record<string, string | undefined> {
  const { service } = manifest;
  const port = service?.port === undefined ? undefined : String(service.port);
  const commandLine = [`/opt/${manifest.binary}/${manifest.binary}`, ...(service?.arguments ?? [])];
  const memory = service?.memory ?? "";
  return {
    PORT: port,
    WORK: service?.workingDirectory === "release" ? `/opt/${manifest.binary}` : undefined,
    ENVIRONMENT: environmentWords(service?.environment ?? {}),
    // The first seconds of a container, in which an unhealthy response does not count. An app without a port has no
    // health check.
    START_PERIOD: port === undefined ? undefined : String(strategy === "lazy" ? FIRST_START : START),
    ARGUMENTS: `[${words(service?.arguments ?? [])}]`,
    COMMAND: `[${words(commandLine)}]`,
    // Compose accepts sizes, but neither a share of the host's memory nor "infinity".
    MEMORY: /^\d+(?:\.\d+)?[KMGT]?$/.test(memory) ? memory.toLowerCase() : undefined,
    TASKS: service === undefined ? undefined : String(service.tasks),
  };
}

/** Assignments for ENV. Undefined when there are none. In its quotes, `\\`, `"` and `$` are special. */
function environmentWords(variables: Readonly<Record<string, string>>): string | undefined {
  const assignments = Object.entries(variables).map(
    ([name, value]) => `${name}="${value.replaceAll(/[\\"$]/g, "\\$&")}"`,
  );
  return assignments.length === 0 ? undefined : assignments.join(" ");
}

function addonValues(manifest: Manifest): Values {
  const { runtime, service, version } = manifest;
  const major = runtime.version.split(".")[0] ?? "";
  const { port, health } = service ?? {};
  return {
    NODE_MAJOR: plainWord(major),
    NODE_PACKAGE: `nodejs=~${major}`,
    SLUG: slug(manifest.binary).replaceAll(/[^a-z0-9]/g, "_"),
    ADDON_ARCH: addonArch(manifest),
    RUN_AS: "10001:0",
    ABOUT: "about-node",
    ADDON_VERSION: quoted(tagOf(version)),
    WATCHDOG: port === undefined ? undefined : JSON.stringify(`http://[HOST]:[PORT:${port}]${health ?? "/"}`),
  };
}

function addonArch({ target }: Manifest): string {
  return parseTarget(target).arch === "x64" ? "amd64" : "aarch64";
}

/** The words of an exec form (a JSON array) without its brackets. */
function words(list: readonly string[]): string {
  return list.map((word) => JSON.stringify(word)).join(", ");
}

/**
 * Quotes a text so that it means the same in Dockerfiles and in YAML. `$` is removed, because it begins a variable in a
 * Dockerfile.
 */
function quoted(text: string): string {
  const line = oneLine(text);
  return JSON.stringify(line.replaceAll("$", ""));
}

function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ").trim();
}

/**
 * Returns a path that means the same in every file.
 * @throws GantryError USAGE for a path that a Dockerfile or a .dockerignore would read differently
 */
function plainPath(path: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._+/-]*$/.test(path)) return path;
  throw new GantryError({
    code: "USAGE",
    what: `"${path}" holds characters that mean something in a Dockerfile`,
    fix: "rename the directory, or use --out with another one",
  });
}
