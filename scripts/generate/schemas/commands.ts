/**
 * The output of each command with `--json`. The keys are the commands' names, which are also those of the files in
 * schemas/.
 */
import * as v from "valibot";
import type { Analysis, InitResult } from "../../../src/build/index.ts";
import type { CheckJson } from "../../../src/check/format-report.ts";
import type { DoctorJson } from "../../../src/launcher/doctor/doctor.ts";
import type { HealthJson } from "../../../src/launcher/commands/health.ts";
import type { HistoryJson } from "../../../src/launcher/commands/status.ts";
import type { FailedJson } from "../../../src/launcher/service-session.ts";
import type { ServiceResult, ServiceStatus } from "../../../src/service/index.ts";
import { agree } from "./agree.ts";
import { BuildSchema } from "./build.ts";
import {
  CompatFindingSchema,
  described,
  ExplanationSchema,
  FileVerdictSchema,
  FindingSchema,
  text,
  texts,
  whole,
} from "./findings.ts";
import { CAPTURED_HOST, HostFactsSchema, RuntimeFactsSchema } from "./host.ts";

const schema = v.literal(1);
const bytes = described(whole, "bytes");
const generation = described(v.nullable(text), "VERSION-DIGEST, the directory below releases/");

const packageFields = {
  name: described(text, "the name it is imported by"),
  version: text,
  reason: described(text, "a sentence that names the evidence"),
  bytes: described(whole, "size of its own files as installed"),
  path: described(text, "its directory, relative to the root of the workspace"),
  neededBy: described(texts, "names of the externals that need it"),
};

const AnalysisSchema = agree<Analysis>()(
  v.object({
    name: text,
    version: text,
    target: text,
    runtime: v.picklist(["bun", "node"]),
    externals: v.array(
      v.object({
        ...packageFields,
        role: v.literal("external"),
        alone: described(
          whole,
          "size of it and of the packages that are in the release for it alone: what compiling it in would save",
        ),
        optional: described(v.boolean(), "the app starts without it"),
        native: described(v.boolean(), "it carries, loads or fetches a native file itself"),
        embeddable: v.object({ possible: v.boolean(), why: text }),
      }),
    ),
    packages: v.array(
      v.object({
        ...packageFields,
        role: v.picklist(["external", "carried", "left-out", "bundled", "unused"]),
      }),
    ),
    warnings: texts,
  }),
);

const { arch, libc, system, kernel } = HostFactsSchema.entries;
const CheckSchema = agree<CheckJson>()(
  v.object({
    schema,
    host: v.object({ arch, libc, system, kernel, cpuLevel: v.nullable(v.picklist([1, 2, 3, 4])) }),
    runtime: v.object({ ...RuntimeFactsSchema.entries, findings: v.array(CompatFindingSchema) }),
    files: v.array(FileVerdictSchema),
  }),
);

const DoctorSchema = agree<DoctorJson>()(
  v.object({
    schema,
    release: v.object({
      name: text,
      version: text,
      target: text,
      root: text,
      id: described(text, "names the manifest, and so everything else"),
      gantry: described(text, "the version of gantry that made it"),
      runtime: text,
      install: text,
    }),
    host: v.object({
      ...v.partial(v.object(CAPTURED_HOST)).entries,
      os: text,
      arch: text,
      id: described(text, "what stamps call this host"),
      libcMarks: described(texts, "files that change with the C library, as far as they exist here"),
    }),
    place: v.object({
      modules: text,
      writable: v.boolean(),
      passed: described(texts, "why it is not beside the release, and which stores were passed over"),
    }),
    plan: v.object({
      state: v.picklist(["ready", "present", "absent"]),
      why: described(text, "why it is not ready; empty when it is"),
      would: described(text, "what a start would do"),
    }),
    modules: v.array(
      v.object({
        name: text,
        version: text,
        optional: v.boolean(),
        state: described(
          v.picklist(["loads", "broken", "absent", "unavailable"]),
          "unavailable: left out when the release was built",
        ),
        reason: v.exactOptional(text),
      }),
    ),
    native: v.array(FileVerdictSchema),
    warnings: texts,
    files: v.object({ checked: whole, foreign: texts }),
    findings: v.array(FindingSchema),
  }),
);

const HealthSchema = agree<HealthJson>()(
  v.object({
    schema,
    healthy: v.boolean(),
    why: described(text, "what was asked, and what came of it"),
    status: described(v.exactOptional(whole), "of HTTP, when there was an answer"),
    milliseconds: v.number(),
  }),
);

const StatusSchema = agree<ServiceStatus>()(
  v.object({
    schema,
    name: text,
    version: text,
    generation: text,
    unit: v.object({
      active: text,
      sub: text,
      since: described(text, "as systemd writes it; empty when it does not run"),
      enabled: text,
      pid: v.nullable(whole),
      restarts: whole,
      memory: described(v.nullable(whole), "bytes; null where systemd does not count"),
      status: text,
    }),
    health: v.object({ healthy: v.boolean(), why: text }),
    running: described(
      v.nullable(text),
      "the generation that the process was started from, where it is another one",
    ),
    verdict: v.object({
      at: described(v.nullable(text), "when the modules were proven on this host, ISO 8601"),
      days: v.nullable(whole),
      stale: described(v.boolean(), "a start has to prove them again"),
    }),
    generations: v.array(v.object({ name: text, version: text, bytes })),
    data: described(v.nullable(whole), "bytes; null where this user may not look"),
    interrupted: described(
      v.exactOptional(v.nullable(text)),
      "the step at which a change stopped; missing where only root could tell",
    ),
  }),
);

const HistorySchema = agree<HistoryJson>()(
  v.object({
    schema,
    entries: described(
      v.array(
        v.object({
          schema,
          at: described(text, "when it began, ISO 8601 in UTC"),
          action: v.picklist(["install", "upgrade", "rollback", "uninstall"]),
          from: generation,
          to: generation,
          outcome: v.picklist(["done", "went-back", "failed", "unhealthy", "interrupted"]),
          code: described(v.exactOptional(text), "of what went wrong"),
          seconds: v.number(),
          who: v.object({ user: text, uid: whole }),
        }),
      ),
      "oldest first",
    ),
    skipped: described(whole, "lines that are no entry"),
  }),
);

const ResultSchema = agree<ServiceResult | FailedJson>()(
  v.union([
    v.object({
      schema,
      action: v.picklist(["install", "upgrade", "rollback", "uninstall", "clean"]),
      name: text,
      outcome: v.picklist(["done", "unchanged", "planned"]),
      from: generation,
      to: generation,
      facts: texts,
      steps: described(v.exactOptional(texts), "what would be done, of --dry-run"),
      removed: described(v.exactOptional(texts), "what was removed"),
      next: described(texts, "commands that come next"),
      seconds: v.number(),
    }),
    v.object({
      schema,
      outcome: v.literal("failed"),
      exit: described(whole, "the exit status of the command"),
      findings: v.array(FindingSchema),
    }),
  ]),
);

const InitSchema = agree<InitResult>()(
  v.object({
    schema,
    file: described(text, "path of the package.json"),
    settings: described(
      v.array(
        v.object({
          key: described(text, 'below "gantry", such as service.port'),
          value: v.unknown(),
          reason: described(text, "what it was taken from"),
        }),
      ),
      "those that package.json did not have",
    ),
    files: described(texts, "paths of files that the settings need and the app did not have"),
    unknown: described(texts, "what could not be found out, a sentence each with what to do"),
    written: described(v.boolean(), "whether settings and files were written"),
  }),
);

export const COMMANDS: Readonly<Record<string, v.GenericSchema>> = {
  init: InitSchema,
  build: BuildSchema,
  analyze: AnalysisSchema,
  check: CheckSchema,
  doctor: DoctorSchema,
  "doctor-explain": v.array(ExplanationSchema),
  health: HealthSchema,
  status: StatusSchema,
  history: HistorySchema,
  install: ResultSchema,
  upgrade: ResultSchema,
  rollback: ResultSchema,
  clean: ResultSchema,
  uninstall: ResultSchema,
};
