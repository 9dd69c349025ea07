/**
 * Tells systemd what a first start is doing, and asks for more time meanwhile (sd_notify(3)): STATUS= and
 * EXTEND_TIMEOUT_USEC=, through the program systemd-notify, because Node and Bun have no Unix datagram sockets. It never
 * sends READY=1, because only the app knows when it is ready. Does nothing without NOTIFY_SOCKET or the program.
 */
import { errorCode } from "../base/errors.ts";
import { readProgramPath, run } from "../base/process/index.ts";
import { readUnsafeProgram } from "../trust/index.ts";
import type { Reporter } from "../base/reporter.ts";
import type { Environment } from "../base/environment.ts";
import { formatBytes } from "../base/text.ts";

/** Milliseconds from one message to the next; a process is started for each. */
const PAUSE = 1000;
/** Milliseconds between messages while there is nothing new to tell. */
const KEEP_ALIVE = 15_000;
/** Milliseconds that each message asks for: enough for a single slow sync of a disk. */
const EXTENSION = 120_000;
/** Milliseconds after which systemd-notify is killed; it waits until systemd has read the message. */
const LIMIT = 5000;

export interface ServiceStatus {
  /** The given reporter; its steps and progress also go to systemd. */
  readonly reporter: Reporter;
  /** Sends the last status: why the start fails, or an empty text, after which the app sets the status. */
  readonly close: (text: string) => Promise<void>;
}

export function openServiceStatus(reporter: Reporter, environment: Environment): ServiceStatus {
  const socket = environment["NOTIFY_SOCKET"] ?? "";
  const program = socket === "" ? undefined : readProgramPath("systemd-notify", environment);
  if (program === undefined || readUnsafeProgram([program]) !== undefined)
    return { reporter, close: () => Promise.resolve() };
  const sender = createSender((text) => send(program, socket, text));
  let step = "";
  return {
    reporter: {
      ...reporter,
      step: (text) => {
        step = text;
        sender.tell(text);
        reporter.step(text);
      },
      progress: (progress) => {
        sender.tell(`${step}: ${formatBytes(progress.bytes)} of ${formatBytes(progress.total)}`);
        reporter.progress(progress);
      },
    },
    close: sender.close,
  };
}

/** Sends the newest text, one message at a time, at most one each PAUSE, and again after KEEP_ALIVE. */
function createSender(deliver: (text: string) => Promise<void>) {
  let text = "";
  let told: string | undefined;
  let sent = -Infinity;
  let closed = false;
  let busy: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  const go = () => {
    told = text;
    sent = performance.now();
    busy = deliver(text).finally(() => {
      busy = undefined;
      plan();
    });
  };
  const plan = () => {
    clearTimeout(timer);
    if (closed || busy !== undefined) return;
    const wait = text === told ? KEEP_ALIVE : sent + PAUSE - performance.now();
    // Sent at once, not by a timer: work that blocks the event loop must not delay the first message.
    if (wait <= 0) go();
    else timer = setTimeout(go, wait).unref();
  };
  return {
    tell: (news: string) => {
      text = news;
      plan();
    },
    close: async (last: string) => {
      closed = true;
      clearTimeout(timer);
      await busy;
      if (told !== undefined || last !== "") await deliver(last);
    },
  };
}

/** Sends one message. Never rejects, because a failed message must not fail the start. */
async function send(program: string, socket: string, text: string): Promise<void> {
  const status = text.replaceAll(/\p{Cc}+/gu, " ");
  try {
    await run(program, [`STATUS=${status}`, `EXTEND_TIMEOUT_USEC=${EXTENSION * 1000}`], {
      cwd: "/",
      environment: { NOTIFY_SOCKET: socket },
      timeout: LIMIT,
    });
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
  }
}
