/**
 * Schemas of the manifest's `service`. The app's own settings are checked with the same ones. Values that could be read as
 * unit syntax are refused here, or escaped where they are written (src/build/release/render-units.ts).
 */
import * as v from "valibot";

/** A user's name: at most 31 bytes, as in systemd (UT_NAMESIZE), and not root. */
export const UserName = v.pipe(
  v.string(),
  v.regex(/^[a-z_][a-z0-9_-]{0,30}$/, "is not a user name"),
  v.check((name) => name !== "root", "must not be root"),
);

/** A text of one line without control characters. */
export const Line = v.pipe(
  v.string(),
  v.nonEmpty("must not be empty"),
  v.regex(/^[^\p{Cc}]*$/u, "must be one line without control characters"),
);

export const Port = v.pipe(
  v.number(),
  v.integer("must be a whole number"),
  v.minValue(1, "is below 1"),
  v.maxValue(65_535, "is above 65535"),
);

/** A path for HTTP requests, absolute and without characters that a request line cannot have. */
export const HealthPath = v.pipe(
  v.string(),
  v.startsWith("/", 'must be a path that begins with "/"'),
  v.regex(/^[\x21-\x7e]*$/, "must be printable ASCII without spaces"),
);

/** Absolute, without a character that systemd would split at, expand or unquote. */
export const DirectoryPath = v.pipe(
  v.string(),
  v.regex(/^(?:\/[A-Za-z0-9_+-][A-Za-z0-9._+-]*)+$/, "must be an absolute path of plain names"),
);

const SIZE = /^(\d+(?:\.\d+)?)([KMGT]?)$/;
const FACTORS: Readonly<Record<string, number>> = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };
/** The least memory, in bytes. Measured: with 64M a Bun program is killed while it starts. */
const LEAST_MEMORY = 96 * 2 ** 20;

/** systemd.resource-control(5), MemoryMax=: bytes with an optional K, M, G or T, or a percentage of the host's. */
export const Memory = v.pipe(
  v.string(),
  v.regex(/^(?:\d+(?:\.\d+)?[KMGT]?|\d+(?:\.\d+)?%|infinity)$/, 'is not a size such as "512M" or "20%"'),
  v.check((text) => (bytesOf(text) ?? LEAST_MEMORY) >= LEAST_MEMORY, "is below 96M: the app would not start"),
);

/** TasksMax=: processes and threads. Measured: with 8 a Bun program does not start. */
export const Tasks = v.pipe(
  v.number(),
  v.integer("must be a whole number"),
  v.minValue(16, "is below 16: the app would not start"),
);

/** Seconds. */
export const HealthWindow = v.pipe(
  v.number(),
  v.integer("must be a whole number of seconds"),
  v.minValue(1, "is below 1"),
  v.maxValue(3600, "is above 3600"),
);

/** Seconds. */
export const HealthSettle = v.pipe(
  v.number(),
  v.integer("must be a whole number of seconds"),
  v.minValue(0, "is below 0"),
  v.maxValue(3600, "is above 3600"),
);

/** Seconds that the app's own command for a new version may take, when its settings do not say. */
export const ACTIVATE_TIMEOUT = 600;
export const ActivateTimeout = v.pipe(
  v.number(),
  v.integer("must be a whole number of seconds"),
  v.minValue(1, "is below 1"),
  v.maxValue(86_400, "is above 86400, a day"),
);

/** Names that the unit itself sets, and those that decide what code is loaded. */
const TAKEN_VARIABLES = /^(?:PORT|HOME|NODE_PATH|NODE_OPTIONS|LD_.*|DYLD_.*|BUN_.*|GANTRY_.*)$/;

/** Variables of the service, by name. */
export const ServiceEnvironment = v.record(
  v.pipe(
    v.string(),
    v.regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "is not the name of a variable"),
    v.check((name) => !TAKEN_VARIABLES.test(name), "is a variable that a service may not set"),
  ),
  v.pipe(v.string(), v.regex(/^[^\p{Cc}]*$/u, "must be one line without control characters")),
);

/** CPUQuota= of systemd.resource-control(5): a share of one processor, which may exceed 100 %. */
export const CpuQuota = v.pipe(v.string(), v.regex(/^[1-9]\d*%$/, 'is not a share such as "50%" or "200%"'));

/** LimitNOFILE=: open files and sockets. */
export const OpenFiles = v.pipe(
  v.number(),
  v.integer("must be a whole number"),
  v.minValue(64, "is below 64: a runtime needs some for itself"),
  v.maxValue(1_048_576, "is above 1048576, the most that Linux allows unless it is told otherwise"),
);

/** Where the service starts: in its data directory, or in the release, for paths that the app reads relative to it. */
export const WorkingDirectory = v.picklist(["data", "release"]);
export const ServiceType = v.picklist(["exec", "notify"]);
export const Exposure = v.picklist(["public", "local", "airgapped"]);

/** Memory in bytes; undefined for a percentage of the host's memory, and for no limit. */
function bytesOf(text: string): number | undefined {
  const [, number, unit = ""] = SIZE.exec(text) ?? [];
  return number === undefined ? undefined : Number(number) * (FACTORS[unit] ?? 1);
}

/** `manifest.service`: every setting with its default filled in. */
export const ServiceSchema = v.strictObject({
  /** System user and group that the app runs as. */
  user: UserName,
  /** Whether the settings name the user. Only then an existing user of the host may be used. */
  userNamed: v.optional(v.boolean()),
  description: Line,
  /** `notify`: the app sends READY=1 itself (sd_notify(3)). */
  type: ServiceType,
  /** Arguments of the app. */
  arguments: v.array(Line),
  /** TCP port that the app listens on; the unit passes it as PORT. */
  port: v.optional(Port),
  /** Path that answers with 2xx when all is well. */
  health: v.optional(HealthPath),
  /** Further directories that the app may write. */
  directories: v.array(DirectoryPath),
  memory: Memory,
  tasks: Tasks,
  cpu: v.optional(CpuQuota),
  openFiles: v.optional(OpenFiles),
  environment: v.optional(ServiceEnvironment),
  workingDirectory: v.optional(WorkingDirectory),
  /** Seconds after a start in which the app has to become healthy. */
  healthWindow: HealthWindow,
  /** Seconds that the app has to stay healthy, without a restart, before a change is confirmed. */
  healthSettle: v.optional(HealthSettle, 3),
  /** Seconds for `activate`; absent in releases of older versions of gantry. */
  activateTimeout: v.optional(ActivateTimeout),
  /** An upgrade keeps a copy of the state directory until the new version is healthy. */
  snapshot: v.boolean(),
  exposure: Exposure,
});

export type Service = Readonly<v.InferOutput<typeof ServiceSchema>>;

/** `manifest.activate`: arguments for the app, run once for each installed version, for migrations. */
export const ActivateSchema = v.pipe(v.array(Line), v.minLength(1, "must not be empty"));
