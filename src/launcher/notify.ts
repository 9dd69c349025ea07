/**
 * Tells systemd what a first start is doing, and asks for more time while it does (sd_notify(3)): STATUS= and
 * EXTEND_TIMEOUT_USEC=, through the program systemd-notify, because no JavaScript runtime has datagram sockets. READY=1
 * is never said: only the app knows when it is. Without NOTIFY_SOCKET, or without the program, nothing happens.
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
/** What each message asks for: enough for a disk that lets a single sync wait. */
const EXTENSION = 120_000;
/** Milliseconds after which a message is given up: systemd-notify waits until systemd has read it. */
const LIMIT = 5000;

export interface ServiceStatus {
  /** The same reporter, listened to. */
  readonly reporter: Reporter;
  /** The last word: why there will be no start, or nothing, which leaves the status to the app. */
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

/** One message at a time, the newest, and not too many. */
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
    // Work that does not come back to the event loop must not keep the first word from being said.
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

/** Never fails: a start is not worth less because nobody could be told of it. */
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
