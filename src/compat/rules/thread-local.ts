/**
 * Is there room for the module's initial-exec thread-local variables?
 * glibc reserves 1664 bytes for such modules at start, rounded up to the alignment of a thread's block
 * (csu/libc-tls.c, elf/dl-tls.c: TLS_STATIC_SURPLUS, _dl_tls_static_surplus_init); measured to the byte on
 * seven runtimes. musl reserves nothing and refuses every such variable of a loaded module.
 */
import type { Draft } from "../compat-finding.ts";
import { shippedObjects, type Situation } from "./situation.ts";

const SURPLUS = 1664;
const BLOCK_ALIGN = 64;

export function judgeThreadLocal(situation: Situation): Draft[] {
  return situation.family === "musl" ? judgeMusl(situation) : judgeGlibc(situation);
}

function judgeGlibc({ process, closure }: Situation): Draft[] {
  let used = 0;
  for (const { library } of process.started) used = place(used, library.tlsSize, library.tlsAlign);
  const limit = roundUp(used + SURPLUS, BLOCK_ALIGN);
  const reserve = limit - used;
  const users = closure.objects.filter(({ library }) => library.staticTls && library.tlsSize > 0);
  for (const { library } of users) used = place(used, library.tlsSize, library.tlsAlign);
  if (used <= limit) return [];
  const bytes = users.reduce((sum, { library }) => sum + library.tlsSize, 0);
  const owners = users.map(({ path }) => path.replace(/^.*\//, "")).join(", ");
  return [
    {
      code: "MODULE_UNAVAILABLE",
      what: `the module needs ${bytes} bytes of static TLS (${owners}); ${reserve} are left in this runtime`,
      evidence: `cannot allocate memory in static TLS block: ${bytes} of ${reserve} bytes`,
      fix: "use a build of the module without initial-exec TLS (-ftls-model=global-dynamic), or start with LD_PRELOAD set to it",
    },
  ];
}

function judgeMusl(situation: Situation): Draft[] {
  for (const object of shippedObjects(situation)) {
    const name = object.library.ownStaticTls();
    if (name === undefined) continue;
    const variable = name === "" ? "a variable" : name;
    return [
      {
        code: "LIBC_MISMATCH",
        what: `the module reaches ${variable} by initial-exec TLS, which musl refuses in a loaded module`,
        evidence: `initial-exec TLS: ${variable}`,
        fix: "use the module's musl build (-ftls-model=global-dynamic)",
      },
    ];
  }
  return [];
}

function place(used: number, size: number, align: number): number {
  return size === 0 ? used : roundUp(used + size, Math.max(1, align));
}

function roundUp(value: number, to: number): number {
  return Math.ceil(value / to) * to;
}
