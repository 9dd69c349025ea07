/**
 * The table of all errors: code, exit status, summary and default fix. A new failure needs a new row here; no other file
 * defines a code or an exit status.
 * Exit statuses follow sysexits.h (64-78); systemd reserves 200 and above, so those never occur.
 */

interface ErrorRow {
  readonly exit: number;
  /** One line for lists and documentation. */
  readonly summary: string;
  /** The fix when a finding has none of its own. */
  readonly fix: string;
}

/** Every error code with its exit status, a summary and the default fix; docs/exit-codes.md lists them. */
export const ERRORS = {
  USAGE: { exit: 64, summary: "the command line is not understood", fix: "run the command with --help" },
  MANIFEST_INVALID: {
    exit: 65,
    summary: "release.json or the lock beside it cannot be used",
    fix: "unpack the release archive again",
  },
  DIGEST_MISMATCH: {
    exit: 65,
    summary: "a file is not the one that the release was built with",
    fix: "unpack the release archive again, or run ./gantry prepare",
  },
  SIGNATURE_INVALID: {
    exit: 65,
    summary: "a signature is missing or does not match",
    fix: "take the file from its publisher again",
  },
  ELF_MALFORMED: {
    exit: 65,
    summary: "a native file is damaged",
    fix: "install the module again",
  },
  ARCHIVE_UNSAFE: {
    exit: 65,
    summary: "an archive tries to write where it must not",
    fix: "take the archive from its publisher again",
  },
  RELEASE_FILE_MISSING: {
    exit: 66,
    summary: "a file of the release is not there",
    fix: "unpack the release archive again",
  },
  BUNDLE_MISSING: { exit: 66, summary: "no bundle was found", fix: "name one with --from" },
  HOST_UNSUPPORTED: {
    exit: 69,
    summary: "this release is for another kind of machine",
    fix: "take the release for this machine",
  },
  LIBC_MISMATCH: {
    exit: 69,
    summary: "this release is for another C library",
    fix: "take the release for this C library",
  },
  LIBC_TOO_OLD: {
    exit: 69,
    summary: "a module needs a newer C library",
    fix: "use the musl release, or a host with a newer C library",
  },
  ABI_MISMATCH: {
    exit: 69,
    summary: "a module was built for another runtime version",
    fix: "rebuild the release for this runtime",
  },
  NAPI_TOO_NEW: {
    exit: 69,
    summary: "a module needs a newer Node-API than the runtime has",
    fix: "use a newer runtime or an older module",
  },
  SYMBOL_MISSING: {
    exit: 69,
    summary: "a module needs a symbol that nothing here provides",
    fix: "use a version of the module that was built for this runtime",
  },
  LIBRARY_MISSING: {
    exit: 69,
    summary: "a module needs a shared library that is not installed",
    fix: "install the library with the host's package manager",
  },
  PROGRAM_MISSING: {
    exit: 69,
    summary: "a program that the app calls is not installed",
    fix: "install it with the host's package manager",
  },
  CPU_TOO_OLD: {
    exit: 69,
    summary: "the processor lacks instructions that the release needs",
    fix: "take the baseline release",
  },
  MODULE_UNAVAILABLE: {
    exit: 69,
    summary: "a module is missing or does not load",
    fix: "run ./gantry doctor for the details",
  },
  LOAD_CRASHED: {
    exit: 69,
    summary: "loading a module ended the process",
    fix: "run ./gantry doctor for the likely cause",
  },
  SERVICE_UNHEALTHY: {
    exit: 69,
    summary: "the service does not run, or does not answer as it should",
    fix: "look at its log: journalctl -u NAME",
  },
  SMOKE_FAILED: {
    exit: 69,
    summary: "the release was built, and does not start",
    fix: "see what it says, and correct the app; --no-smoke builds without starting it",
  },
  INTERNAL: {
    exit: 70,
    summary: "gantry itself failed",
    fix: "report it with the text above",
  },
  EXEC_FAILED: { exit: 71, summary: "a program could not be started", fix: "check its mode and its mount" },
  STORE_UNWRITABLE: {
    exit: 73,
    summary: "the place for the modules cannot be written",
    fix: "make it writable, or run ./gantry prepare once as its owner",
  },
  STORE_NOEXEC: {
    exit: 73,
    summary: "the place for the modules is mounted noexec",
    fix: "move the release to a file system that is mounted exec",
  },
  DISK_FULL: { exit: 73, summary: "the disk is full", fix: "free some space and start again" },
  STORE_UNSAFE: {
    exit: 73,
    summary: "others can write where the modules are",
    fix: "give the directory to its owner alone",
  },
  NAME_TAKEN: {
    exit: 73,
    summary: "the service's name is somebody else's on this host",
    fix: "give the app another name",
  },
  IO_FAILED: {
    exit: 74,
    summary: "a file could not be read or written",
    fix: "check the disk, then start again",
  },
  NETWORK_FAILED: {
    exit: 75,
    summary: "the package registry could not be used",
    fix: "check the network, then start again",
  },
  LOCK_TIMEOUT: {
    exit: 75,
    summary: "another process is preparing this release and does not finish",
    fix: "wait for it or end it, then start again",
  },
  PERMISSION_DENIED: {
    exit: 77,
    summary: "a permission is missing",
    fix: "run it as the owner of the release",
  },
  CONFIG_INVALID: {
    exit: 78,
    summary: "a setting is wrong",
    fix: "correct the setting",
  },
} as const satisfies Record<string, ErrorRow>;

/** A code of `ERRORS`. */
export type ErrorCode = keyof typeof ERRORS;
