/**
 * Data for the fixes in messages: which systems have which glibc, and which package contains a library.
 * Nothing here decides whether a file loads.
 */
import { compareDotted } from "../base/versions.ts";
import { valueOf, type HostFacts } from "../host/index.ts";

/** First release of each distribution with at least that glibc, in the order of glibc's versions. */
const GLIBC_SYSTEMS: readonly (readonly [version: string, systems: string])[] = [
  ["2.17", "RHEL 7, Debian 8, Ubuntu 14.04"],
  ["2.23", "Debian 9, Ubuntu 16.04"],
  ["2.24", "Debian 9, Ubuntu 18.04, RHEL 8"],
  ["2.26", "Amazon Linux 2, Ubuntu 18.04, RHEL 8"],
  ["2.27", "Debian 10, Ubuntu 18.04, RHEL 8"],
  ["2.28", "Debian 10, Ubuntu 20.04, RHEL 8"],
  ["2.31", "Debian 11, Ubuntu 20.04, RHEL 9"],
  ["2.34", "Debian 12, Ubuntu 22.04, RHEL 9"],
  ["2.35", "Debian 12, Ubuntu 22.04, RHEL 10"],
  ["2.36", "Debian 12, Ubuntu 24.04, RHEL 10"],
  ["2.39", "Debian 13, Ubuntu 24.04, RHEL 10"],
  ["2.41", "Debian 13, Ubuntu 25.04"],
];

/** "Debian 12, Ubuntu 22.04, RHEL 9" for 2.34; undefined when no listed system is new enough. */
export function systemsWithGlibc(version: string): string | undefined {
  return GLIBC_SYSTEMS.find(([has]) => compareDotted(has, version) >= 0)?.[1];
}

/** Package names on Debian and Ubuntu, Alpine, and RHEL and Fedora. */
const PACKAGES: readonly (readonly [library: RegExp, debian: string, alpine: string, fedora: string])[] = [
  [/^libstdc\+\+\.so\.6$/, "libstdc++6", "libstdc++", "libstdc++"],
  [/^libgcc_s\.so\.1$/, "libgcc-s1", "libgcc", "libgcc"],
  [/^libatomic\.so\.1$/, "libatomic1", "libatomic", "libatomic"],
  [/^libgomp\.so\.1$/, "libgomp1", "libgomp", "libgomp"],
  [/^libssl\.so\.3$|^libcrypto\.so\.3$/, "libssl3", "libssl3", "openssl-libs"],
  [/^libssl\.so\.1\.1$|^libcrypto\.so\.1\.1$/, "libssl1.1", "openssl1.1-compat", "compat-openssl11"],
  [/^libz\.so\.1$/, "zlib1g", "zlib", "zlib"],
  [/^libudev\.so\.1$/, "libudev1", "eudev-libs", "systemd-libs"],
  [/^libusb-1\.0\.so\.0$/, "libusb-1.0-0", "libusb", "libusb1"],
  [/^libuuid\.so\.1$/, "libuuid1", "libuuid", "libuuid"],
  [/^libsecret-1\.so\.0$/, "libsecret-1-0", "libsecret", "libsecret"],
  [/^libX11\.so\.6$/, "libx11-6", "libx11", "libX11"],
  [/^libXtst\.so\.6$/, "libxtst6", "libxtst", "libXtst"],
  [/^libxcb\.so\.1$/, "libxcb1", "libxcb", "libxcb"],
  [/^libfontconfig\.so\.1$/, "libfontconfig1", "fontconfig", "fontconfig"],
  [/^libasound\.so\.2$/, "libasound2", "alsa-lib", "alsa-lib"],
  [/^libcurl\.so\.4$/, "libcurl4", "libcurl", "libcurl"],
  [/^libpq\.so\.5$/, "libpq5", "libpq", "libpq"],
  [/^libodbc\.so\.2$/, "libodbc2", "unixodbc", "unixODBC"],
  [/^libsodium\.so\.23$/, "libsodium23", "libsodium", "libsodium"],
  [/^libsystemd\.so\.0$/, "libsystemd0", "", "systemd-libs"],
  [/^libbluetooth\.so\.3$/, "libbluetooth3", "bluez-libs", "bluez-libs"],
  [/^libvulkan\.so\.1$/, "libvulkan1", "vulkan-loader", "vulkan-loader"],
  [/^libGL\.so\.1$/, "libgl1", "mesa-gl", "libglvnd-glx"],
];

/** Programs whose package has another name: on Debian and Ubuntu, Alpine, and RHEL and Fedora. */
const PROGRAMS: Readonly<Record<string, readonly [debian: string, alpine: string, fedora: string]>> = {
  convert: ["imagemagick", "imagemagick", "ImageMagick"],
  magick: ["imagemagick", "imagemagick", "ImageMagick"],
  gs: ["ghostscript", "ghostscript", "ghostscript"],
  pdftotext: ["poppler-utils", "poppler-utils", "poppler-utils"],
  pdftoppm: ["poppler-utils", "poppler-utils", "poppler-utils"],
  pg_dump: ["postgresql-client", "postgresql-client", "postgresql"],
  psql: ["postgresql-client", "postgresql-client", "postgresql"],
  ssh: ["openssh-client", "openssh-client-default", "openssh-clients"],
  ffmpeg: ["ffmpeg", "ffmpeg", "ffmpeg-free"],
  ffprobe: ["ffmpeg", "ffmpeg", "ffmpeg-free"],
  soffice: ["libreoffice", "libreoffice", "libreoffice-core"],
};

/** The packages that contain a program: on Debian and Ubuntu, and on Alpine. Most have the program's own name. */
export function packagesOfProgram(program: string): { readonly debian: string; readonly alpine: string } {
  const [debian, alpine] = PROGRAMS[program] ?? [program, program];
  return { debian, alpine };
}

/**
 * The command that installs a program.
 * @param system ID of os-release(5); undefined when it is not known
 */
export function installProgram(program: string, system: string | undefined): string {
  const [debian, alpine, fedora] = PROGRAMS[program] ?? [program, program, program];
  if (DEBIAN.has(system ?? "")) return `apt-get install ${debian}`;
  if (system === "alpine") return `apk add ${alpine}`;
  return FEDORA.has(system ?? "") ? `dnf install ${fedora}` : `install the package that contains ${program}`;
}

const DEBIAN = new Set(["debian", "ubuntu", "linuxmint", "pop", "raspbian"]);
const FEDORA = new Set(["fedora", "rhel", "centos", "rocky", "almalinux", "amzn", "ol"]);

/**
 * Packages that contain a library: on Debian and Ubuntu, and on Fedora and RHEL. Undefined when they are not known.
 */
export function packagesOf(
  library: string,
): { readonly debian: string; readonly fedora: string } | undefined {
  const [, debian, , fedora] = PACKAGES.find(([pattern]) => pattern.test(library)) ?? [];
  return debian === undefined || fedora === undefined ? undefined : { debian, fedora };
}

/**
 * The command that installs a library on that host. When its package is not known, the command that finds the package;
 * on other distributions, a sentence without a command.
 */
export function installCommand(library: string, facts: HostFacts): string {
  const id = valueOf(facts.system)?.id ?? "";
  const row = PACKAGES.find(([pattern]) => pattern.test(library));
  const [, debian = "", alpine = "", fedora = ""] = row ?? [];
  if (DEBIAN.has(id)) {
    return debian === "" ? `find its package with: apt-file search ${library}` : `apt-get install ${debian}`;
  }
  if (id === "alpine") {
    return alpine === "" ? `find its package with: apk search so:${library}` : `apk add ${alpine}`;
  }
  if (FEDORA.has(id)) {
    return fedora === "" ? `find its package with: dnf provides '*/${library}'` : `dnf install ${fedora}`;
  }
  return `install the package that contains ${library}`;
}
