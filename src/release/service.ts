/**
 * What a release says of itself as a systemd service, and the one description of every value in it: the app's settings
 * are checked with the same schemas. Values are plain enough to stand in a unit; what could be read as unit syntax is
 * refused here or escaped where it is placed (src/build/units.ts).
 */
import * as v from "valibot";

/** systemd refuses names of more than 31 bytes (UT_NAMESIZE), and nobody hardens a service that runs as root. */
export const UserName = v.pipe(
  v.string(),
  v.regex(/^[a-z_][a-z0-9_-]{0,30}$/, "is not a user name"),
  v.check((name) => name !== "root", "must not be root"),
);

/** One line, whatever a unit file or a terminal may do with it. */
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

/** An absolute request target without characters that HTTP would not carry. */
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
/** Measured: below this a Bun binary is killed while it starts (64M does not suffice). */
const LEAST_MEMORY = 96 * 2 ** 20;

/** systemd.resource-control(5), MemoryMax=: bytes with an optional K, M, G or T, or a percentage of the host's. */
export const Memory = v.pipe(
  v.string(),
  v.regex(/^(?:\d+(?:\.\d+)?[KMGT]?|\d+(?:\.\d+)?%|infinity)$/, 'is not a size such as "512M" or "20%"'),
  v.check((text) => (bytesOf(text) ?? LEAST_MEMORY) >= LEAST_MEMORY, "is below 96M: the app would not start"),
);

/** TasksMax=: processes and threads. Measured: with 8 a Bun binary does not start. */
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

export const ServiceType = v.picklist(["exec", "notify"]);
export const Exposure = v.picklist(["public", "local", "airgapped"]);

/** undefined for a share of the host's memory, or no limit at all. */
function bytesOf(text: string): number | undefined {
  const [, number, unit = ""] = SIZE.exec(text) ?? [];
  return number === undefined ? undefined : Number(number) * (FACTORS[unit] ?? 1);
}

/** `manifest.service`: every setting with its default filled in. */
export const ServiceSchema = v.strictObject({
  /** System user and group that the app runs as. */
  user: UserName,
  /** The settings name the user, which may be one that the host has already; else nobody else's is taken. */
  userNamed: v.optional(v.boolean()),
  description: Line,
  /** `notify`: the app says READY=1 itself (sd_notify(3)). */
  type: ServiceType,
  /** What the app is started with. */
  arguments: v.array(Line),
  /** TCP port that the app listens on; it is told by PORT. */
  port: v.optional(Port),
  /** Path that answers with 2xx when all is well. */
  health: v.optional(HealthPath),
  /** Directories beside its own that the app may write. */
  directories: v.array(DirectoryPath),
  memory: Memory,
  tasks: Tasks,
  /** Seconds after a start in which the app has to become healthy. */
  healthWindow: HealthWindow,
  /** Seconds that it then has to stay healthy, without a restart, before a change counts as done. */
  healthSettle: v.optional(HealthSettle, 3),
  /** Seconds; absent in releases of an earlier gantry. */
  activateTimeout: v.optional(ActivateTimeout),
  /** An upgrade keeps a copy of the state directory until the new version is healthy. */
  snapshot: v.boolean(),
  exposure: Exposure,
});

export type Service = Readonly<v.InferOutput<typeof ServiceSchema>>;

/** `manifest.activate`: arguments for the app, run once for each installed version, for migrations. */
export const ActivateSchema = v.pipe(v.array(Line), v.minLength(1, "must not be empty"));
