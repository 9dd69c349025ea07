/** The setting `service`: the systemd service. */
import * as v from "valibot";
import type { Finding } from "../../../base/errors.ts";
import {
  ACTIVATE_TIMEOUT,
  ActivateTimeout,
  CpuQuota,
  DirectoryPath,
  Exposure,
  HealthPath,
  HealthSettle,
  HealthWindow,
  Line,
  Memory,
  OpenFiles,
  Port,
  ServiceEnvironment,
  ServiceType,
  Tasks,
  UserName,
  WorkingDirectory,
} from "../../../release/index.ts";
import type { Meanings } from "./values.ts";

export const Service = v.strictObject({
  user: v.optional(UserName),
  description: v.optional(Line),
  type: v.optional(ServiceType, "exec"),
  arguments: v.optional(v.array(Line), []),
  port: v.optional(Port),
  health: v.optional(HealthPath),
  directories: v.optional(v.array(DirectoryPath), []),
  memory: v.optional(Memory, "75%"),
  tasks: v.optional(Tasks, 512),
  cpu: v.optional(CpuQuota),
  openFiles: v.optional(OpenFiles),
  environment: v.optional(ServiceEnvironment),
  workingDirectory: v.optional(WorkingDirectory),
  healthWindow: v.optional(HealthWindow, 30),
  healthSettle: v.optional(HealthSettle, 3),
  activateTimeout: v.optional(ActivateTimeout, ACTIVATE_TIMEOUT),
  snapshot: v.optional(v.boolean(), false),
  exposure: v.optional(Exposure, "public"),
});

type ServiceSettings = Readonly<v.InferOutput<typeof Service>>;

export const SERVICE_MEANINGS: Meanings<keyof ServiceSettings> = {
  user: "System user and group; made from the name of the binary when left out. A user that the host has already is taken only when it is named here.",
  description: "The unit's description; that of package.json, or the app's name, when left out.",
  type: "`notify`: the app itself says when it is ready (sd_notify(3)).",
  arguments: "What the app is started with.",
  port: "TCP port that the app listens on; it is told by `PORT`.",
  health: "Path that answers with 2xx when all is well; needs `port`.",
  healthWindow: "Seconds until it has to be healthy.",
  healthSettle: "Seconds that it then has to stay so without a restart.",
  activateTimeout: "Seconds that `activate` may take.",
  directories: "Absolute paths of directories that it may write, beside its own.",
  memory: "The most memory it may use: a size such as `512M`, a share of the host's, or `infinity`.",
  tasks: "The most processes and threads.",
  cpu: 'The most processor time, as a share of one processor: `"50%"`, or `"200%"` for two; no limit when left out.',
  openFiles: "The most open files and sockets; what systemd allows when left out.",
  environment:
    "Variables of the service, by name. They are no secrets: everybody can read a unit. /etc/BINARY/env on the host wins over them.",
  workingDirectory:
    "Where it starts: in its `data` directory, also when left out, or in the `release`, for an app that reads files of `include` relative to the current directory; it cannot write there.",
  snapshot: "An upgrade keeps a copy of the data until the new version is well.",
  exposure: "Who reaches it: everybody, this host alone, or nobody over a network.",
};

/** Findings for settings that are each valid and do not fit together. */
export function serviceFindings(service: ServiceSettings, where: string): Finding[] {
  if (service.health === undefined || service.port !== undefined) return [];
  const what = `"gantry.service.health" is "${service.health}", and "gantry.service.port" does not say where to ask`;
  return [{ code: "CONFIG_INVALID", what, where, fix: 'set "gantry.service.port" to the app\'s port' }];
}
